//! What a file that is no checkpoint looks like, and the pickles hidden in the containers among them.

use std::io::Read as _;

/// What the first bytes say a file is; `None` when they say nothing.
#[must_use]
pub fn sniff(data: &[u8]) -> Option<&'static str> {
    if data.starts_with(b"PK\x03\x04") || data.starts_with(b"PK\x05\x06") {
        let head = &data[..data.len().min(4096)];
        let has = |needle: &[u8]| head.windows(needle.len()).any(|window| window == needle);
        return Some(if has(b"/data.pkl") {
            "a PyTorch archive"
        } else if has(b".npy") {
            "a NumPy archive"
        } else {
            "a zip archive"
        });
    }
    let table: &[(&[u8], &str)] = &[
        (b"\x1f\x8b", "gzip data"),
        (b"SQLite format 3\0", "an SQLite database"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        (b"\x93NUMPY", "a NumPy array"),
        (b"\xfd7zXZ\0", "xz data"),
        (b"BZh", "bzip2 data"),
        (b"\x28\xb5\x2f\xfd", "zstd data"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
        (b"\x7fELF", "a program"),
        (b"MZ", "a Windows program"),
        (b"%PDF-", "a PDF document"),
        (b"\x89PNG\r\n", "a picture"),
        (b"GIF8", "a picture"),
        (b"\xff\xd8\xff", "a picture"),
        (b"PAR1", "a Parquet file"),
        (b"GGUF", "a GGUF model"),
        (b"#!", "a script"),
        (b"<?xml", "XML"),
        (b"<!DOCTYPE", "HTML"),
        (b"<html", "HTML"),
        (b"---\n", "YAML"),
        (b"\0asm", "WebAssembly"),
        (b"Rar!\x1a\x07", "a RAR archive"),
        (b"\x04\x22\x4d\x18", "LZ4 data"),
        (b"\x5d\0\0", "LZMA data"),
    ];
    for (magic, what) in table {
        if data.starts_with(magic) {
            return Some(what);
        }
    }
    if data.get(257..262) == Some(b"ustar") {
        return Some("a tar archive");
    }
    if matches!(data, [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..]) {
        return Some("zlib data");
    }
    None
}

/// Whether it reads as text: for files that begin like nothing known.
#[must_use]
pub fn is_text(data: &[u8]) -> bool {
    let head = &data[..data.len().min(4096)];
    let odd = head
        .iter()
        .filter(|byte| **byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c))
        .count();
    let valid = match std::str::from_utf8(head) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    odd == 0 && valid
}

/// A pickle inside another file.
#[derive(Debug)]
pub struct Inner {
    /// Its name there.
    pub name: String,
    /// Its content.
    pub data: Vec<u8>,
    /// Where it lies in the file, when it is not compressed.
    pub offset: Option<u64>,
}

/// Entries looked into, and bytes taken from all of them.
const MAX_ENTRIES: usize = 8_192;
const MAX_BYTES: u64 = 64 << 20;

/// Containers inside each other that are opened.
const MAX_DEPTH: u32 = 4;

/// The parts of a container that may be pickles, those of containers in it too. Bounded in number, depth and bytes;
/// damaged parts are skipped, because the file is refused in any case and this only finds out how bad it is.
#[must_use]
pub fn inside(data: &[u8]) -> Vec<Inner> {
    let mut found = Vec::new();
    let mut left = MAX_BYTES;
    let mut open: Vec<(Inner, u32)> = parts(data).into_iter().map(|part| (part, 1)).collect();
    open.reverse();
    while let Some((part, depth)) = open.pop() {
        let size = part.data.len() as u64;
        if found.len() >= MAX_ENTRIES || size > left {
            break;
        }
        left -= size;
        if depth < MAX_DEPTH {
            for mut inner in parts(&part.data).into_iter().rev() {
                inner.name = format!("{} in {}", inner.name, part.name);
                // A place in what was unpacked or taken out is no place in the file.
                inner.offset = None;
                open.push((inner, depth + 1));
            }
        }
        found.push(part);
    }
    found
}

/// The parts of an archive that stands behind something else; readers of archives look for it from the end.
#[must_use]
pub fn behind(data: &[u8], from: usize) -> Vec<Inner> {
    let mut found = zip(data.get(from..).unwrap_or_default());
    for inner in &mut found {
        inner.offset = inner.offset.map(|offset| offset + from as u64);
    }
    found
}

/// The parts of a container, not of those in it.
fn parts(data: &[u8]) -> Vec<Inner> {
    match sniff(data) {
        Some("gzip data") => inflate_gzip(data)
            .map(|data| Inner {
                name: "gzip data".to_owned(),
                data,
                offset: None,
            })
            .into_iter()
            .collect(),
        Some("a NumPy array") => npy(data, "array", 0).into_iter().collect(),
        Some("a tar archive") => tar(data),
        Some("zlib data") => inflate_zlib(data)
            .map(|data| Inner {
                name: "zlib data".to_owned(),
                data,
                offset: None,
            })
            .into_iter()
            .collect(),
        // Archives, and whatever stands before one: readers of archives find it.
        Some(_) => zip(data),
        None => Vec::new(),
    }
}

fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(data.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(data.get(at..at + 4)?.try_into().ok()?))
}

/// Follows the local headers; a scanner that trusts the directory at the end can be shown another archive.
fn zip(data: &[u8]) -> Vec<Inner> {
    let mut found = Vec::new();
    let mut left = MAX_BYTES;
    let mut at = 0;
    for _ in 0..MAX_ENTRIES {
        let Some(next) = data
            .get(at..)
            .and_then(|rest| rest.windows(4).position(|window| window == b"PK\x03\x04"))
        else {
            break;
        };
        at += next;
        let Some((entries, end, inflated)) = zip_entry(data, at, left) else {
            at += 4;
            continue;
        };
        at = end;
        // Also what was inflated in vain has cost its time.
        left = left.saturating_sub(inflated);
        for entry in entries {
            if entry.offset.is_some() {
                left = left.saturating_sub(entry.data.len() as u64);
            }
            if entry.data.starts_with(b"\x93NUMPY") {
                found.extend(npy(&entry.data, &entry.name, 0));
            } else if !entry.data.is_empty() {
                found.push(entry);
            }
        }
        if left == 0 {
            break;
        }
    }
    found
}

/// What an entry may hold, as it stands and inflated, because its header may lie about how it is packed, and how large;
/// where the next may begin; and how many bytes were inflated.
fn zip_entry(data: &[u8], at: usize, left: u64) -> Option<(Vec<Inner>, usize, u64)> {
    let method = u16_at(data, at + 8)?;
    let packed = u32_at(data, at + 18)? as usize;
    let name_len = usize::from(u16_at(data, at + 26)?);
    let extra_len = usize::from(u16_at(data, at + 28)?);
    let start = at + 30 + name_len + extra_len;
    let name = String::from_utf8_lossy(data.get(at + 30..at + 30 + name_len)?).into_owned();
    let rest = data.get(start..)?;
    let end = start.saturating_add(packed);
    // A size of zero may mean that it follows the data, and a size behind which no header stands is wrong: then
    // everything up to the end is offered to the decoder, or up to the next header when it is not packed.
    let told = packed > 0
        && data
            .get(end..)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(b"PK"));
    let body = if told { &rest[..packed] } else { rest };
    let mut entries = Vec::new();
    let mut inflated = Vec::new();
    let read = flate2::read::DeflateDecoder::new(body)
        .take(left)
        .read_to_end(&mut inflated);
    let cost = inflated.len() as u64;
    // What was inflated before an error is kept: it may hold the name.
    if !inflated.is_empty() && (method == 8 || read.is_ok()) {
        entries.push(Inner {
            name: name.clone(),
            data: inflated,
            offset: None,
        });
    }
    if method != 8 || read.is_err() {
        let header = |window: &[u8]| matches!(window, b"PK\x01\x02" | b"PK\x03\x04" | b"PK\x07\x08");
        let len = if told {
            packed
        } else {
            body.windows(4).position(header).unwrap_or(body.len())
        };
        let keep = len.min(usize::try_from(left).unwrap_or(usize::MAX));
        entries.push(Inner {
            name,
            data: body[..keep].to_vec(),
            offset: Some(start as u64),
        });
    }
    // Looking for the next header goes on behind this one: an entry of a wrong size may hide others.
    let next = if told { end } else { start };
    Some((entries, next.max(at + 30), cost))
}

/// An array of objects has a pickle behind its header.
fn npy(data: &[u8], name: &str, offset: u64) -> Option<Inner> {
    let (len, start) = match data.get(6)? {
        1 => (usize::from(u16_at(data, 8)?), 10),
        _ => (u32_at(data, 8)? as usize, 12),
    };
    let at = start + len;
    let body = data.get(at..)?;
    Some(Inner {
        name: name.to_owned(),
        data: body[..body.len().min(1 << 26)].to_vec(),
        offset: Some(offset + at as u64),
    })
}

fn tar(data: &[u8]) -> Vec<Inner> {
    let mut found = Vec::new();
    let mut at = 0;
    let mut left = MAX_BYTES;
    while found.len() < MAX_ENTRIES && left > 0 {
        let Some(header) = data.get(at..at + 512) else {
            break;
        };
        let name_end = header[..100].iter().position(|byte| *byte == 0).unwrap_or(100);
        if name_end == 0 {
            break;
        }
        let name = String::from_utf8_lossy(&header[..name_end]).into_owned();
        let digits: String = header[124..136]
            .iter()
            .filter(|byte| byte.is_ascii_digit())
            .map(|byte| char::from(*byte))
            .collect();
        let Ok(size) = usize::from_str_radix(&digits, 8) else {
            break;
        };
        let start = at + 512;
        let Some(body) = data.get(start..start.saturating_add(size).min(data.len())) else {
            break;
        };
        if !body.is_empty() {
            let keep = body.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            left -= keep as u64;
            found.push(Inner {
                name,
                data: body[..keep].to_vec(),
                offset: Some(start as u64),
            });
        }
        at = start.saturating_add(size.div_ceil(512).saturating_mul(512));
    }
    found
}

fn inflate_zlib(data: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let _ = flate2::read::ZlibDecoder::new(data)
        .take(MAX_BYTES)
        .read_to_end(&mut out);
    (!out.is_empty()).then_some(out)
}

fn inflate_gzip(data: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let _ = flate2::read::MultiGzDecoder::new(data)
        .take(MAX_BYTES)
        .read_to_end(&mut out);
    (!out.is_empty()).then_some(out)
}

/// Why gzip data could not be inflated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inflate {
    /// It is damaged or cut short.
    Damaged,
    /// It inflates beyond the limit.
    TooLarge,
}

/// Inflates gzip data of any number of members to at most `limit` bytes.
///
/// # Errors
/// [`Inflate`].
pub fn gunzip(data: &[u8], limit: u64) -> Result<Vec<u8>, Inflate> {
    let mut out = Vec::new();
    let mut decoder = flate2::read::MultiGzDecoder::new(data).take(limit + 1);
    decoder.read_to_end(&mut out).map_err(|_| Inflate::Damaged)?;
    if out.len() as u64 > limit {
        return Err(Inflate::TooLarge);
    }
    Ok(out)
}
