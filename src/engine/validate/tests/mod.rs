//! The tests themselves, a file a category.

mod compatibility;
mod functionality;
mod performance;
mod reliability;
mod scalability;

use super::bench::{Bench, Halt, Seen, Step};

/// The guide's names, in its order.
pub const NAMES: [&str; 19] = [
    "submit_simple_task",
    "submit_parallel_task",
    "test_agent_spawning",
    "test_checkpoint_recovery",
    "test_task_cancellation",
    "parallel_vs_sequential",
    "throughput_test",
    "resource_utilization",
    "latency_test",
    "fault_tolerance",
    "recovery_mechanisms",
    "data_consistency",
    "error_handling",
    "legacy_task_format",
    "api_compatibility",
    "configuration_migration",
    "agent_scaling",
    "concurrent_tasks",
    "memory_usage",
];

/// Runs the test that the bench is for.
///
/// # Errors
/// Why it ended before it saw what it looks for.
pub async fn run(bench: &Bench<'_>) -> Step<Seen> {
    match bench.test.name.as_str() {
        "submit_simple_task" => functionality::simple(bench).await,
        "submit_parallel_task" => functionality::parallel(bench).await,
        "test_agent_spawning" => functionality::spawning(bench).await,
        "test_checkpoint_recovery" => functionality::checkpoint(bench).await,
        "test_task_cancellation" => functionality::cancellation(bench).await,
        "parallel_vs_sequential" => performance::parallel_vs_sequential(bench).await,
        "throughput_test" => performance::throughput(bench).await,
        "resource_utilization" => performance::utilization(bench).await,
        "latency_test" => performance::latency(bench).await,
        "fault_tolerance" => reliability::fault_tolerance(bench).await,
        "recovery_mechanisms" => reliability::recovery(bench).await,
        "data_consistency" => reliability::consistency(bench).await,
        "error_handling" => reliability::error_handling(bench).await,
        "legacy_task_format" => compatibility::legacy_format(bench).await,
        "api_compatibility" => compatibility::api(bench).await,
        "configuration_migration" => compatibility::configuration(bench).await,
        "agent_scaling" => scalability::agent_scaling(bench).await,
        "concurrent_tasks" => scalability::concurrent(bench).await,
        "memory_usage" => scalability::memory(bench).await,
        other => Err(Halt::Skipped(format!("there is no test {other}"))),
    }
}
