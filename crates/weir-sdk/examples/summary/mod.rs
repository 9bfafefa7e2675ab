//! What an example has left in its database.

use std::path::Path;

use rusqlite::Connection;

/// The documented tables, each with the columns worth a look.
const TABLES: [(&str, &str); 3] = [
    (
        "llm_calls",
        "model, status, total_tokens, round(latency_ms, 1) AS latency_ms, cost, prompt_version, substr(replace(response, char(10), ' '), 1, 48) AS response",
    ),
    ("branch_decisions", "request_id, from_node, to_node, condition, condition_result"),
    (
        "tool_calls",
        "request_id, tool_name, status, round(latency_ms, 1) AS latency_ms, substr(coalesce(error, output), 1, 60) AS output_or_error",
    ),
];

/// Prints the last rows of every table, and where they are.
pub(crate) fn print(path: &Path, rows: usize) -> rusqlite::Result<()> {
    let database = Connection::open(path)?;
    for (table, columns) in TABLES {
        let count: i64 = database.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))?;
        let mut statement =
            database.prepare(&format!("SELECT {columns} FROM {table} ORDER BY timestamp DESC LIMIT {rows}"))?;
        let mut lines = vec![statement.column_names().iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()];
        let width = statement.column_count();
        let found = statement.query_map([], |row| (0..width).map(|n| Ok(text(row.get(n)?))).collect())?;
        for line in found {
            lines.push(line?);
        }
        println!("\n{table}: {count} rows, the last ones");
        for line in &lines {
            let cells = line.iter().enumerate().map(|(n, cell)| {
                let widest = lines.iter().filter_map(|line| line.get(n)).map(|c| c.chars().count()).max().unwrap_or(0);
                format!("{cell:widest$}")
            });
            println!("  {}", cells.collect::<Vec<_>>().join("  ").trim_end());
        }
    }
    println!("\nAll of it: sqlite3 {} 'SELECT * FROM llm_calls'", path.display());
    Ok(())
}

fn text(value: rusqlite::types::Value) -> String {
    match value {
        rusqlite::types::Value::Null => "-".to_owned(),
        rusqlite::types::Value::Integer(n) => n.to_string(),
        rusqlite::types::Value::Real(n) => n.to_string(),
        rusqlite::types::Value::Text(text) => text,
        rusqlite::types::Value::Blob(_) => "(bytes)".to_owned(),
    }
}
