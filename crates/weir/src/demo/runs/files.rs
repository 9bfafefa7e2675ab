//! Files of a run: one of each sort that people look at in a browser.

use std::fmt::Write;

use serde_json::json;

const LABELS: [&str; 3] = ["answer", "lookup", "escalate"];

/// What a training of the classifier leaves behind.
pub(super) fn of_classifier(loss: &[f64], held_out: &[f64], best: f64) -> Vec<(&'static str, String)> {
    vec![
        ("model/MLmodel", MLMODEL.to_owned()),
        ("model/requirements.txt", "mlflow\ntorch==2.7.1\ntransformers==4.56.0\n".to_owned()),
        ("confusion_matrix.json", json!({"labels": LABELS, "matrix": matrix(best)}).to_string()),
        ("predictions.csv", predictions(best)),
        ("plots/loss.svg", curve(loss, held_out)),
        ("report.html", report(best)),
        (
            "notes.md",
            format!("# Notes\n\nHeld-out accuracy {best:.3}. Most mistakes are between *lookup* and *answer*.\n"),
        ),
    ]
}

const MLMODEL: &str = "artifact_path: model\nflavors:\n  python_function:\n    loader_module: mlflow.transformers\n    \
python_version: 3.11.9\nsignature:\n  inputs: '[{\"name\": \"text\", \"type\": \"string\"}]'\n  outputs: '[{\"name\": \
\"label\", \"type\": \"string\"}]'\n";

/// Of 300 tickets of each sort, how many were taken for which.
fn matrix(best: f64) -> [[u32; 3]; 3] {
    let right = (300.0 * best).round() as u32;
    let wrong = 300 - right.min(300);
    let [small, large] = [wrong / 3, wrong - wrong / 3];
    [[right, large, small], [large, right, small], [small, large, right]]
}

fn predictions(best: f64) -> String {
    let mut text = String::from("ticket,label,predicted,confidence\n");
    for ticket in 0..60_usize {
        let label = LABELS[ticket % 3];
        let right = (ticket * 37 % 100) as f64 / 100.0 < best;
        let predicted = if right { label } else { LABELS[(ticket + 1) % 3] };
        let confidence = 0.99 - (ticket * 53 % 40) as f64 / 100.0;
        // Writing to a text cannot fail.
        let _ = writeln!(text, "T-{},{label},{predicted},{confidence:.2}", 40_000 + ticket * 17);
    }
    text
}

fn curve(loss: &[f64], held_out: &[f64]) -> String {
    let most = loss.iter().chain(held_out).copied().fold(f64::MIN_POSITIVE, f64::max);
    let line = |values: &[f64], colour: &str| {
        let place = |(step, value): (usize, &f64)| {
            let x = 40.0 + 540.0 * step as f64 / values.len().max(2).saturating_sub(1) as f64;
            format!("{x:.1},{:.1}", 280.0 - 250.0 * value / most)
        };
        let points: Vec<String> = values.iter().enumerate().map(place).collect();
        format!("<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" points=\"{}\"/>", points.join(" "))
    };
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 600 320\"><rect width=\"600\" height=\"320\" \
         fill=\"#ffffff\"/><path d=\"M40 20V280H590\" stroke=\"#94a3b8\" fill=\"none\"/>{}{}<text x=\"480\" y=\"40\" \
         font-family=\"sans-serif\" font-size=\"14\" fill=\"#2563eb\">train_loss</text><text x=\"480\" y=\"60\" \
         font-family=\"sans-serif\" font-size=\"14\" fill=\"#ea580c\">val_loss</text></svg>",
        line(loss, "#2563eb"),
        line(held_out, "#ea580c")
    )
}

fn report(best: f64) -> String {
    let mut rows = String::new();
    for (label, counts) in LABELS.iter().zip(matrix(best)) {
        let cells: String = counts.iter().map(|count| format!("<td>{count}</td>")).collect();
        let _ = write!(rows, "<tr><th>{label}</th>{cells}</tr>");
    }
    let head: String = LABELS.iter().map(|label| format!("<th>{label}</th>")).collect();
    format!(
        "<!doctype html><meta charset=\"utf-8\"><title>Report</title><style>body{{font-family:sans-serif;margin:2rem}}\
         table{{border-collapse:collapse}}td,th{{border:1px solid #cbd5e1;padding:.4rem .8rem;text-align:right}}</style>\
         <h1>Held-out tickets</h1><p>Accuracy {best:.3} on 900 tickets.</p><table><tr><th></th>{head}</tr>{rows}</table>"
    )
}
