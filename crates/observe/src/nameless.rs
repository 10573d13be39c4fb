//! Metrics for those who may not know which functions there are: the same text with functions added up.

use std::collections::HashMap;
use std::fmt::Write;

/// Labels that name a function, or what belongs to one.
const NAMING: [&str; 4] = ["namespace", "function", "version", "revision"];

/// Takes the naming labels out of an OpenMetrics text, and adds up the samples that are then the same. Label values have
/// no `"` and no `,` in them: names of functions, versions, runtimes and bounds.
pub(crate) fn nameless(text: &str) -> String {
    let mut to = String::with_capacity(text.len());
    let (mut samples, mut sums) = (Vec::new(), HashMap::new());
    for line in text.lines() {
        if line.starts_with('#') {
            flush(&mut to, &mut samples, &mut sums);
            to.push_str(line);
            to.push('\n');
        } else if let Some((series, value)) = line.rsplit_once(' ') {
            let series = without_names(series);
            let value: f64 = value.parse().unwrap_or(0.0);
            *sums.entry(series.clone()).or_insert_with(|| {
                samples.push(series);
                0.0
            }) += value;
        }
    }
    flush(&mut to, &mut samples, &mut sums);
    to
}

/// Writes the samples of one family, in the order they came.
fn flush(to: &mut String, samples: &mut Vec<String>, sums: &mut HashMap<String, f64>) {
    for series in samples.drain(..) {
        let sum = sums.get(&series).copied().unwrap_or_default();
        // Writing to a string does not fail.
        let _ = writeln!(to, "{series} {sum}");
    }
    sums.clear();
}

/// `name{label="value",…}` without the labels that name functions.
fn without_names(series: &str) -> String {
    let Some((name, labels)) = series.split_once('{') else {
        return series.to_owned();
    };
    let labels = labels.trim_end_matches('}').split(',');
    let kept: Vec<_> = labels
        .filter(|label| {
            let name = label.split_once('=').map_or(*label, |(name, _)| name);
            !NAMING.contains(&name)
        })
        .collect();
    if kept.is_empty() {
        return name.to_owned();
    }
    format!("{name}{{{}}}", kept.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_added_up_and_everything_else_stays() {
        let text = r#"# HELP skiff_errors Errors.
# TYPE skiff_errors counter
skiff_errors_total{namespace="a",function="x",status="430"} 1
skiff_errors_total{namespace="a",function="y",status="430"} 2
skiff_errors_total{namespace="b",function="x",status="433"} 4
# TYPE skiff_duration_seconds histogram
skiff_duration_seconds_sum{namespace="a",function="x"} 0.5
skiff_duration_seconds_bucket{le="+Inf",namespace="a",function="x"} 2
skiff_duration_seconds_sum{namespace="a",function="y"} 0.25
skiff_duration_seconds_bucket{le="+Inf",namespace="a",function="y"} 3
# TYPE skiff_stem_cells gauge
skiff_stem_cells{runtime="Python3.11"} 2
skiff_log_records_dropped_total 0
# EOF
"#;
        let expected = r#"# HELP skiff_errors Errors.
# TYPE skiff_errors counter
skiff_errors_total{status="430"} 3
skiff_errors_total{status="433"} 4
# TYPE skiff_duration_seconds histogram
skiff_duration_seconds_sum 0.75
skiff_duration_seconds_bucket{le="+Inf"} 5
# TYPE skiff_stem_cells gauge
skiff_stem_cells{runtime="Python3.11"} 2
skiff_log_records_dropped_total 0
# EOF
"#;
        assert_eq!(nameless(text), expected);
    }
}
