//! How long a frame takes. `tests/bench/stage_view.sh` runs this in release and holds it to its limit.

use super::plans;
use maos_migrate::tui::widgets::stage_view::{Action, Form, Graph, Ordering, StageView, StageViewState};
use ratatui::{buffer::Buffer, layout::Rect, widgets::StatefulWidget as _};
use std::time::{Duration, Instant};

/// The slowest and the median frame while a person walks through a plan, opens stages and looks at what is waited for.
fn frames(graph: &Graph, size: (u16, u16), form: Form) -> (Duration, Duration) {
    let order = Ordering::swept(graph);
    let mut state = StageViewState::default();
    let area = Rect::new(0, 0, size.0, size.1);
    let mut buffer = Buffer::empty(area);
    let walk = [
        Action::Right,
        Action::Down,
        Action::Open,
        Action::PageDown,
        Action::Down,
        Action::Waits,
        Action::Right,
        Action::Up,
        Action::Left,
        Action::Last,
        Action::Waits,
        Action::Open,
    ];
    let mut times = Vec::new();
    for action in walk.iter().cycle().take(120) {
        state.apply(graph, &order, *action);
        // The best of a few draws of the same frame: what the frame costs, not what else the machine does meanwhile.
        let draws = (0..5).map(|_| {
            let mut state = state.clone();
            buffer.reset();
            let start = Instant::now();
            StageView::new(graph, &order, super::look(false), form)
                .title("legacy_021")
                .render(area, &mut buffer, &mut state);
            start.elapsed()
        });
        times.extend(draws.min());
        StageView::new(graph, &order, super::look(false), form).render(area, &mut buffer, &mut state);
    }
    times.sort_unstable();
    (times[times.len() / 2], times[times.len() - 1])
}

#[test]
#[ignore = "a measurement: tests/bench/stage_view.sh runs it in release"]
fn a_frame_takes_less_than_8_ms() {
    let limit = Duration::from_millis(8);
    let plans = [
        (
            "10,000 nodes in 20 stages, 20,000 edges",
            plans::large(20, 500, 2),
        ),
        (
            "10,000 nodes in 20 stages, 100,000 edges",
            plans::large(20, 500, 10),
        ),
        (
            "10,000 nodes in 2 stages, 100,000 edges",
            plans::large(2, 5_000, 20),
        ),
        (
            "10,000 nodes in 1,000 stages, 100,000 edges",
            plans::large(1_000, 10, 10),
        ),
    ];
    for (name, graph) in &plans {
        for (size, form) in [
            ((97, 14), Form::Boxed),
            ((137, 40), Form::Boxed),
            ((78, 19), Form::Flat),
            ((300, 90), Form::Boxed),
        ] {
            let (median, slowest) = frames(graph, size, form);
            println!(
                "{name}, {form:?} at {}x{}: median {median:?}, slowest {slowest:?}",
                size.0, size.1
            );
            // Far beyond the largest screen that is drawn for, the figure is printed only.
            assert!(size.0 > 200 || slowest < limit, "{name}: {slowest:?}");
        }
        let start = Instant::now();
        let order = Ordering::by_id(graph);
        let by_id = start.elapsed();
        let start = Instant::now();
        let refined = order.refined(graph, 0..4);
        println!(
            "{name}: order by id {by_id:?}, sweeps off the loop {:?}",
            start.elapsed()
        );
        assert!(refined.fits(graph));
    }
}
