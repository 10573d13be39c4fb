//! What is told apart, and how what is not is dealt out.

use super::*;

const LONG: Duration = Duration::from_secs(60);

/// Calls with the reports they end with, and what the line has collected.
#[derive(Default)]
struct Scene {
    calls: Calls,
    reports: BTreeMap<u32, oneshot::Receiver<AttemptReport>>,
    line: Output,
}

impl Scene {
    fn begin(&mut self, timeout: Duration) -> u32 {
        let (report, reported) = oneshot::channel();
        let sequence = self.calls.begin(report, Instant::now(), timeout);
        self.reports.insert(sequence, reported);
        sequence
    }

    fn wrote(&mut self, sequence: u32, text: &str) {
        self.calls.wrote(sequence, text.as_bytes(), &mut self.line);
    }

    fn end(&mut self, sequence: u32) -> AttemptReport {
        self.calls.end(sequence, AttemptEnd::Left, &mut self.line);
        self.report(sequence)
    }

    fn report(&mut self, sequence: u32) -> AttemptReport {
        let mut report = self.reports.remove(&sequence).expect("begun");
        report.try_recv().expect("reported")
    }
}

#[tokio::test]
async fn what_is_told_apart_is_its_calls_and_the_rest_is_of_the_one_that_has_been_running_longest() {
    let mut scene = Scene::default();
    scene.line.push(b"before the first\n");
    let [first, second, third] = [LONG; 3].map(|timeout| scene.begin(timeout));
    scene.wrote(second, "of the second\n");
    scene.wrote(first, "of the first\n");
    scene.line.push(b"of whom?\n");
    scene.wrote(third, "of the third\n");
    assert_eq!(scene.end(third).output, "of the third\n");
    assert_eq!(
        scene.end(first).output,
        "before the first\nof the first\nof whom?\n",
        "in the order in which it came"
    );
    scene.line.push(b"of whom, later?\n");
    scene.wrote(second, "of the second again\n");
    assert_eq!(
        scene.end(second).output,
        "of the second\nof whom, later?\nof the second again\n"
    );
    scene.line.push(b"between\n");
    let fourth = scene.begin(LONG);
    assert_eq!(scene.end(fourth).output, "between\n");
}

#[tokio::test]
async fn memory_is_the_most_in_use_while_a_call_ran() {
    let mut scene = Scene::default();
    let first = scene.begin(LONG);
    scene.calls.used(500);
    let second = scene.begin(LONG);
    scene.calls.used(200);
    assert_eq!(scene.end(second).memory_peak_bytes, 200);
    assert_eq!(scene.end(first).memory_peak_bytes, 500);
}

#[tokio::test(start_paused = true)]
async fn each_has_its_own_time_and_its_answer_is_expected_once_or_when_it_was_given_up_ignored_once() {
    let mut scene = Scene::default();
    let slow = scene.begin(Duration::from_secs(3));
    let quick = scene.begin(Duration::from_secs(1));
    assert_eq!(scene.calls.deadline(), Some(Instant::now() + Duration::from_secs(1)));
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(scene.calls.over_at(Instant::now()), [quick]);
    scene.calls.give_up(quick, AttemptEnd::TimedOut, &mut scene.line);
    let report = scene.report(quick);
    assert_eq!(
        (report.end, report.duration),
        (AttemptEnd::TimedOut, Duration::from_secs(1))
    );
    assert!(scene.calls.expects(quick) && scene.calls.expects(slow) && !scene.calls.expects(7));
    scene.wrote(quick, "too late\n");
    scene.calls.end(quick, AttemptEnd::Left, &mut scene.line);
    assert!(!scene.calls.expects(quick));
    let report = scene.end(slow);
    assert_eq!((report.duration, report.output.len()), (Duration::from_secs(1), 0));
    assert!(!scene.calls.expects(slow) && scene.calls.deadline().is_none());
}

#[tokio::test]
async fn who_gives_up_is_found_and_what_ends_all_ends_all() {
    let mut scene = Scene::default();
    let [left, first, second] = [LONG; 3].map(|timeout| scene.begin(timeout));
    drop(scene.reports.remove(&left));
    assert_eq!(scene.calls.unwanted(), [left]);
    scene.calls.end_all(&AttemptEnd::OutOfMemory, &mut scene.line);
    for sequence in [first, second] {
        assert_eq!(scene.report(sequence).end, AttemptEnd::OutOfMemory);
    }
}
