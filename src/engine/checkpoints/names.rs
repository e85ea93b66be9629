//! Which names a pickle may use: the allow-list of decoders, and how bad any other name is.
//!
//! To allow one more class: add its `(module, name)` to [`allowed`], with the names other Python versions use for it,
//! and decode its arguments in `pickle::calls`. Nothing outside that list is ever decoded. The list of critical modules
//! (`assets/checkpoints/critical.txt`) only decides which word a refusal uses.

use std::collections::HashSet;
use std::sync::OnceLock;

use super::finding::Severity;

/// A class or function that this reader can stand in for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Callable {
    /// `set([…])`.
    Set,
    /// `frozenset([…])`.
    FrozenSet,
    /// `bytearray(…)`.
    ByteArray,
    /// `bytes()`.
    Bytes,
    /// `complex(re, im)`.
    Complex,
    /// `range(start, stop, step)`.
    Range,
    /// `slice(start, stop, step)`.
    Slice,
    /// `OrderedDict()`.
    OrderedDict,
    /// `defaultdict(factory)`.
    DefaultDict,
    /// `Counter({…})`.
    Counter,
    /// `deque([…], maxlen)`.
    Deque,
    /// `datetime(state[, zone])`.
    DateTime,
    /// `date(state)`.
    Date,
    /// `time(state[, zone])`.
    Time,
    /// `timedelta(days, seconds, microseconds)`.
    TimeDelta,
    /// `timezone(offset[, name])`.
    TimeZone,
    /// `Decimal(text)`.
    Decimal,
    /// `Fraction(numerator, denominator)` or `Fraction(text)`.
    Fraction,
    /// `UUID`, filled by its state.
    Uuid,
    /// A pure or real path of parts.
    Path,
    /// A built-in exception with its arguments.
    Exception,
    /// `SimpleNamespace()`.
    Namespace,
    /// A class that is told by one integer or text: addresses, time zones of libraries.
    Record,
    /// `_codecs.encode(text, 'latin1')`: how older protocols write bytes.
    Encode,
    /// `copyreg._reconstructor(class, object, None)`: how older protocols make an object.
    Reconstructor,
    /// `object`, as a base or as itself.
    Object,
    /// A built-in type or constant that may be named but not called.
    Plain,
    /// A class of the operator's map.
    Mapped(u32),
}

/// What a name is to this reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It has a decoder.
    Allowed(Callable),
    /// It is refused with this severity.
    Refused(Severity),
}

const EXCEPTIONS: &[&str] = &[
    "ArithmeticError",
    "AssertionError",
    "AttributeError",
    "BaseException",
    "BlockingIOError",
    "BrokenPipeError",
    "BufferError",
    "BytesWarning",
    "ChildProcessError",
    "ConnectionAbortedError",
    "ConnectionError",
    "ConnectionRefusedError",
    "ConnectionResetError",
    "DeprecationWarning",
    "EOFError",
    "EnvironmentError",
    "Exception",
    "FileExistsError",
    "FileNotFoundError",
    "FloatingPointError",
    "FutureWarning",
    "GeneratorExit",
    "IOError",
    "ImportError",
    "ImportWarning",
    "IndentationError",
    "IndexError",
    "InterruptedError",
    "IsADirectoryError",
    "KeyError",
    "KeyboardInterrupt",
    "LookupError",
    "MemoryError",
    "ModuleNotFoundError",
    "NameError",
    "NotADirectoryError",
    "NotImplementedError",
    "OSError",
    "OverflowError",
    "PendingDeprecationWarning",
    "PermissionError",
    "ProcessLookupError",
    "RecursionError",
    "ReferenceError",
    "ResourceWarning",
    "RuntimeError",
    "RuntimeWarning",
    "StandardError",
    "StopAsyncIteration",
    "StopIteration",
    "SyntaxError",
    "SyntaxWarning",
    "SystemError",
    "SystemExit",
    "TabError",
    "TimeoutError",
    "TypeError",
    "UnboundLocalError",
    "UnicodeDecodeError",
    "UnicodeEncodeError",
    "UnicodeError",
    "UnicodeTranslateError",
    "UnicodeWarning",
    "UserWarning",
    "ValueError",
    "Warning",
    "ZeroDivisionError",
];

/// The allow-list. Names of Python 2 stand beside those of Python 3.
#[must_use]
pub fn allowed(module: &str, name: &str) -> Option<Callable> {
    Some(match (module, name) {
        ("builtins" | "__builtin__", name) => match name {
            "set" => Callable::Set,
            "frozenset" => Callable::FrozenSet,
            "bytearray" => Callable::ByteArray,
            "bytes" => Callable::Bytes,
            "complex" => Callable::Complex,
            "range" | "xrange" => Callable::Range,
            "slice" => Callable::Slice,
            "object" => Callable::Object,
            "int" | "long" | "float" | "bool" | "str" | "unicode" | "list" | "tuple" | "dict"
            | "Ellipsis" | "NotImplemented" => Callable::Plain,
            name if EXCEPTIONS.contains(&name) => Callable::Exception,
            _ => return None,
        },
        ("exceptions", name) if EXCEPTIONS.contains(&name) => Callable::Exception,
        ("collections", "OrderedDict") => Callable::OrderedDict,
        ("collections", "defaultdict") => Callable::DefaultDict,
        ("collections", "Counter") => Callable::Counter,
        ("collections", "deque") => Callable::Deque,
        ("datetime" | "_datetime", "datetime") => Callable::DateTime,
        ("datetime" | "_datetime", "date") => Callable::Date,
        ("datetime" | "_datetime", "time") => Callable::Time,
        ("datetime" | "_datetime", "timedelta") => Callable::TimeDelta,
        ("datetime" | "_datetime", "timezone") => Callable::TimeZone,
        ("decimal" | "_decimal" | "_pydecimal", "Decimal") => Callable::Decimal,
        ("fractions", "Fraction") => Callable::Fraction,
        ("uuid", "UUID") => Callable::Uuid,
        (
            "pathlib" | "pathlib._local",
            "Path" | "PosixPath" | "WindowsPath" | "PurePath" | "PurePosixPath" | "PureWindowsPath",
        ) => Callable::Path,
        ("types", "SimpleNamespace") => Callable::Namespace,
        (
            "ipaddress",
            "IPv4Address" | "IPv6Address" | "IPv4Network" | "IPv6Network" | "IPv4Interface" | "IPv6Interface",
        )
        | ("pytz", "_UTC" | "_p") => Callable::Record,
        ("_codecs", "encode") => Callable::Encode,
        ("copyreg" | "copy_reg", "_reconstructor") => Callable::Reconstructor,
        _ => return None,
    })
}

fn critical_modules() -> &'static HashSet<&'static str> {
    static MODULES: OnceLock<HashSet<&'static str>> = OnceLock::new();
    MODULES.get_or_init(|| {
        include_str!("../../../assets/checkpoints/critical.txt")
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .collect()
    })
}

fn identifier(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c == '_' || c.is_alphabetic())
        && chars.all(|c| c == '_' || c.is_alphanumeric())
}

/// The ASCII letter that a letter of another alphabet is mistaken for: full-width and mathematical letters, and the
/// Cyrillic and Greek ones that most fonts draw alike (Unicode TR 39, "confusables", its single small letters).
fn resembles(c: char) -> char {
    let shifted = |base: char, from: u32| char::from_u32(u32::from(base) + u32::from(c) - from).unwrap_or(c);
    match c {
        '\u{ff21}'..='\u{ff3a}' => shifted('A', 0xff21),
        '\u{ff41}'..='\u{ff5a}' => shifted('a', 0xff41),
        '\u{ff10}'..='\u{ff19}' => shifted('0', 0xff10),
        // Thirteen styles of twenty-six capitals and twenty-six small letters.
        '\u{1d400}'..='\u{1d6a3}' => match (u32::from(c) - 0x1d400) % 52 {
            at @ 0..26 => char::from_u32(u32::from('A') + at).unwrap_or(c),
            at => char::from_u32(u32::from('a') + at - 26).unwrap_or(c),
        },
        'а' | 'α' => 'a',
        'с' | 'ϲ' => 'c',
        'ԁ' => 'd',
        'е' => 'e',
        'ɡ' => 'g',
        'һ' => 'h',
        'і' | 'ι' | 'ı' => 'i',
        'ј' => 'j',
        'ⅼ' | 'ӏ' => 'l',
        'о' | 'ο' | 'օ' | 'σ' => 'o',
        'р' | 'ρ' => 'p',
        'ԛ' => 'q',
        'ѕ' | 'ſ' => 's',
        'υ' | 'ս' => 'u',
        'ν' | 'ѵ' => 'v',
        'ԝ' => 'w',
        'х' => 'x',
        'у' | 'γ' => 'y',
        other => other,
    }
}

/// How bad a name outside the allow-list is: critical when its module belongs to Python or a well-known package, when
/// it reaches through attributes (`a.b`), or when it is not a name at all; else unknown.
#[must_use]
pub fn severity(module: &str, name: &str) -> Severity {
    let top = module.split('.').next().unwrap_or_default();
    let plain = module.split('.').all(identifier) && identifier(name);
    // The interpreter's own attributes (`__class__`, `__globals__`) are the rungs of every escape.
    let inner = name.starts_with("__") && name.ends_with("__");
    // "оs" in Cyrillic is no module of Python, but a person asked about it would read it as one.
    let disguised = !top.is_ascii() && {
        let read_as: String = top.chars().map(resembles).collect();
        critical_modules().contains(read_as.as_str())
    };
    if !plain || inner || disguised || critical_modules().contains(top) {
        Severity::Critical
    } else {
        Severity::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_for_names_outside_the_list() {
        for (module, name, want) in [
            ("os", "system", Severity::Critical),
            ("posix", "system", Severity::Critical),
            ("nt", "system", Severity::Critical),
            ("__builtin__", "eval", Severity::Critical),
            ("builtins", "getattr", Severity::Critical),
            ("operator", "attrgetter", Severity::Critical),
            ("functools", "partial", Severity::Critical),
            ("numpy.testing._private.utils", "runstring", Severity::Critical),
            ("builtins", "str.format", Severity::Critical),
            ("acme.tasks", "Task.__init__", Severity::Critical),
            ("acme.tasks", "__class__", Severity::Critical),
            ("acme tasks", "Task", Severity::Critical),
            ("", "system", Severity::Critical),
            ("acme.tasks", "Priority", Severity::Unknown),
            ("__main__", "Task", Severity::Unknown),
        ] {
            assert_eq!(allowed(module, name), None, "{module}.{name}");
            assert_eq!(severity(module, name), want, "{module}.{name}");
        }
    }

    #[test]
    fn nothing_callable_that_runs_code_is_on_the_list() {
        for name in [
            "eval",
            "exec",
            "getattr",
            "setattr",
            "open",
            "compile",
            "type",
            "map",
            "apply",
            "input",
            "vars",
            "globals",
            "__import__",
            "breakpoint",
            "print",
            "super",
            "property",
            "classmethod",
            "memoryview",
        ] {
            assert_eq!(allowed("builtins", name), None, "{name}");
            assert_eq!(allowed("__builtin__", name), None, "{name}");
        }
    }
}
