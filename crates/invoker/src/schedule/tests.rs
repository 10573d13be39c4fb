//! The schedule's decisions, as tables: a script of what happens, and what the schedule says to each step.

use std::time::Duration;

use skiff_domain::{Allotment, InstanceConcurrency, Revision};

use super::*;
use crate::fakes::version;

/// What a call has of an instance.
type Held = (Arc<Version>, Lent<u32>);

/// A schedule whose instances and waiters are numbers, driven by words.
struct Script {
    schedule: Schedule<u32, u32>,
    began: Instant,
    now: Instant,
    versions: Vec<Arc<Version>>,
    starts: Vec<Option<Start>>,
    lent: HashMap<u32, Vec<Held>>,
    waiting: HashMap<u32, (Arc<Version>, Ticket)>,
    calls: u32,
    instances: u32,
    dead: Vec<u32>,
}

impl Script {
    fn new(limits: Limits) -> Self {
        let now = Instant::now();
        let mut newer = version("aa");
        newer.revision = Revision(2);
        let mut shared = version("cc");
        shared.concurrency = InstanceConcurrency::new(3).unwrap();
        Self {
            schedule: Schedule::new(limits),
            began: now,
            now,
            versions: [version("aa"), newer, version("bb"), shared].map(Arc::new).into(),
            starts: Vec::new(),
            lent: HashMap::new(),
            waiting: HashMap::new(),
            calls: 0,
            instances: 0,
            dead: Vec::new(),
        }
    }

    /// Does one step and says what came of it.
    ///
    /// `a` `A` `b` `c`: a call of function a, of its newer revision, of function b, of function c, whose instances take three
    /// calls at once. `+n` `-n`: start n ends well, fails.
    /// `.n`: the call on instance n finishes. `!n`: it finishes and the instance is gone. `<n`: call n stops waiting.
    /// `?n`: idle instance n dies. `tN`: N seconds pass and the idle are looked through. `R` `S`: function a, c is retired.
    /// `E`: the longest idle instance is evicted. `C`: the schedule is closed. `=N`: N MB are set apart for function a;
    /// `=`: nothing is. `#N`: the account has N MB.
    fn step(&mut self, word: &str) -> String {
        let (verb, number) = word.split_at(1);
        let number = || number.parse::<u32>().unwrap();
        match verb {
            "a" => self.arrive(0),
            "A" => self.arrive(1),
            "b" => self.arrive(2),
            "c" => self.arrive(3),
            "+" => {
                let start = self.starts[number() as usize].take().unwrap();
                let version = Arc::clone(&start.version);
                let instance = self.instances;
                self.instances += 1;
                let actions = self.schedule.started(start, instance, self.now);
                self.tell_all(&version, actions)
            }
            "-" => {
                let start = self.starts[number() as usize].take().unwrap();
                let version = Arc::clone(&start.version);
                let error = StartError::NoRoom(String::new());
                let actions = self.schedule.start_failed(start, &error, self.now);
                self.tell_all(&version, actions)
            }
            "." => {
                let (version, lent) = self.takes_from(number());
                let action = self.schedule.finish(&version, lent.give_back(), self.now);
                self.tell(&version, action)
            }
            "!" => {
                let (version, lent) = self.takes_from(number());
                let action = self.schedule.finish(&version, lent.bury(), self.now);
                self.tell(&version, action)
            }
            "<" => {
                let (version, ticket) = self.waiting.remove(&number()).unwrap();
                self.schedule.leave(&version, ticket);
                let action = self.schedule.finish(&version, Returned::Nothing, self.now);
                self.tell(&version, action)
            }
            "?" => {
                self.dead.push(number());
                "ok".to_owned()
            }
            "t" => {
                self.now += Duration::from_secs(u64::from(number()));
                let dead = &self.dead;
                let (let_go, next) = self.schedule.reap(self.now, |instance| !dead.contains(instance));
                let next = next.map_or_else(|| "never".to_owned(), |at| (at - self.began).as_secs().to_string());
                format!("{}next:{next}", gone(&let_go))
            }
            "R" | "S" => {
                let index = if verb == "R" { 0 } else { 3 };
                let uid = self.versions[index].uid.clone();
                let let_go = self.schedule.retire(&uid, None);
                format!("{}ok", gone(&let_go))
            }
            "=" | "#" => {
                let number = word[1..].parse::<u64>().ok();
                let uid = self.versions[0].uid.clone();
                let reserved = number.filter(|_| verb == "=").map(|mb| (uid, mb));
                self.schedule.allot(&Allotment {
                    account_mb: number.filter(|_| verb == "#"),
                    reserved_mb: reserved.into_iter().collect(),
                    ..Allotment::default()
                });
                "ok".to_owned()
            }
            "E" => self
                .schedule
                .evict()
                .map_or_else(|| "nothing".to_owned(), |instance| format!("gone:{instance}")),
            "C" => {
                let let_go = self.schedule.close();
                format!(
                    "{}{}",
                    gone(&let_go),
                    if self.schedule.is_drained() { "drained" } else { "ok" }
                )
            }
            _ => panic!("unknown word {word}"),
        }
    }

    /// What a call has of this instance.
    fn takes_from(&mut self, instance: u32) -> Held {
        self.lent.get_mut(&instance).and_then(Vec::pop).unwrap()
    }

    fn arrive(&mut self, version: usize) -> String {
        let version = Arc::clone(&self.versions[version]);
        let dead = &self.dead;
        let call = self.calls;
        let (arrival, let_go) = self
            .schedule
            .arrive(&version, |instance| !dead.contains(instance), || (call, ()));
        let gone = gone(&let_go);
        let told = match arrival {
            Ok(Arrival::Run(lent)) => {
                let told = format!("run:{}", lent.instance);
                self.lent.entry(lent.instance).or_default().push((version, lent));
                told
            }
            Ok(Arrival::Wait { ticket, start, .. }) => {
                self.waiting.insert(self.calls, (version, ticket));
                let told = if start.is_some() { "start" } else { "wait" };
                if start.is_some() {
                    self.starts.push(start);
                }
                told.to_owned()
            }
            Err(Refusal::FunctionConcurrency { quota_mb }) => format!("function:{quota_mb}"),
            Err(Refusal::AccountConcurrency { quota_mb }) => format!("account:{quota_mb}"),
            Err(Refusal::WaitingFull { waiting_max }) => format!("full:{waiting_max}"),
            Err(Refusal::Stopping) => "stopping".to_owned(),
        };
        self.calls += 1;
        format!("{gone}{told}")
    }

    fn tell_all(&mut self, version: &Arc<Version>, actions: Vec<Action<u32, u32>>) -> String {
        if actions.is_empty() {
            return "ok".to_owned();
        }
        let told = actions.into_iter().map(|action| self.tell(version, Some(action)));
        told.collect::<Vec<_>>().join(",")
    }

    fn tell(&mut self, version: &Arc<Version>, action: Option<Action<u32, u32>>) -> String {
        match action {
            None => "ok".to_owned(),
            Some(Action::Give { to, lent }) => {
                self.waiting.remove(&to);
                let told = format!("give:{to}:{}", lent.instance);
                let held = self.lent.entry(lent.instance).or_default();
                held.push((Arc::clone(version), lent));
                told
            }
            Some(Action::Fail { to, .. }) => {
                let (version, _) = self.waiting.remove(&to).unwrap();
                self.schedule.finish(&version, Returned::Nothing, self.now);
                format!("fail:{to}")
            }
            Some(Action::Drop(instance)) => format!("gone:{instance}"),
            Some(Action::WatchIdle) => "watch".to_owned(),
        }
    }
}

fn gone(let_go: &[u32]) -> String {
    let_go.iter().map(|instance| format!("gone:{instance},")).collect()
}

/// Runs `steps` and compares what the schedule said to each.
fn check_with(limits: Limits, steps: &str, said: &str) {
    let mut script = Script::new(limits);
    let told: Vec<_> = steps.split_whitespace().map(|word| script.step(word)).collect();
    assert_eq!(told.join(" "), said, "{steps}");
}

fn check(steps: &str, said: &str) {
    check_with(Limits::default(), steps, said);
}

#[test]
fn the_first_call_starts_an_instance_and_the_next_takes_it() {
    check("a +0 .0 a .0", "start give:0:0 watch run:0 ok");
}

#[test]
fn the_most_recently_used_instance_is_taken() {
    check(
        "a a +0 +1 .1 .0 a a",
        "start start give:0:0 give:1:1 watch ok run:0 run:1",
    );
}

#[test]
fn a_call_that_waits_takes_what_is_free_first() {
    check("a +0 a .0 +1 .0 a", "start give:0:0 start give:1:0 watch ok run:0");
}

#[test]
fn a_start_is_made_only_when_those_in_flight_cannot_serve_everyone() {
    check(
        "a +0 a .0 a .0 a a",
        "start give:0:0 start give:1:0 wait give:2:0 wait start",
    );
}

#[test]
fn waiting_calls_are_served_in_the_order_they_came() {
    check("a a a +2 .0 +0", "start start start give:0:0 give:1:0 give:2:1");
}

#[test]
fn a_call_that_stops_waiting_leaves_its_start_to_the_others() {
    check("a a <0 +0 +1", "start start ok give:1:0 watch");
    check("a <0 a +0", "start ok wait give:1:0");
    check("a <0 +0 a", "start ok watch run:0");
}

#[test]
fn a_failed_start_fails_a_call_only_when_no_other_start_is_left_for_it() {
    check("a -0 a", "start fail:0 start");
    check("a a -1 +0", "start start fail:0 give:1:0");
    check("a a <1 -1 +0", "start start ok ok give:0:0");
    check("a <0 -0 a", "start ok ok start");
}

#[test]
fn an_instance_that_is_gone_serves_nobody() {
    check("a +0 !0 a", "start give:0:0 ok start");
    check("a +0 .0 ?0 a", "start give:0:0 watch ok gone:0,start");
}

#[test]
fn quotas_refuse_at_the_limit_and_admit_below_it() {
    let limits = Limits {
        function_concurrency_max: 2,
        ..Limits::default()
    };
    check_with(
        limits,
        "a a a b +0 a .0 a",
        "start start function:256 start give:0:0 function:256 give:1:0 wait",
    );
    let limits = Limits {
        account_concurrency_mb: 256,
        ..Limits::default()
    };
    check_with(limits, "a b a <0 a", "start start account:256 ok wait");
    let limits = Limits {
        function_waiting_max: 1,
        ..Limits::default()
    };
    check_with(limits, "a a b +0 a a", "start full:1 start give:0:0 start full:1");
    let limits = Limits {
        function_concurrency_max: 0,
        ..Limits::default()
    };
    check_with(limits, "a", "function:0");
}

#[test]
fn a_newer_revision_retires_the_older() {
    check(
        "a a +0 +1 .0 A +2 .1 .2 A",
        "start start give:0:0 give:1:1 watch gone:0,start give:2:2 gone:1 ok run:2",
    );
}

#[test]
fn an_older_revision_is_served_but_leaves_nothing() {
    check("A +0 .0 a +1 .1 A", "start give:0:0 watch start give:1:1 gone:1 run:0");
    check(
        "a +0 A a +1 +2 .2 .1 A",
        "start give:0:0 start start give:1:1 give:2:2 gone:2 watch run:1",
    );
}

#[test]
fn retiring_spares_who_runs_and_who_waits() {
    check(
        "a a +0 .0 a R +1 .1 .0",
        "start start give:0:0 give:1:0 wait ok give:2:1 gone:1 gone:0",
    );
    check("a +0 .0 R a", "start give:0:0 watch gone:0,ok start");
    check("a <0 R +0", "start ok ok gone:0");
}

#[test]
fn idle_instances_go_after_their_time_the_oldest_first() {
    check(
        "a a +0 +1 .0 t100 .1 t79 t1 t100 t1000",
        "start start give:0:0 give:1:1 watch next:180 ok next:180 gone:0,next:280 gone:1,next:never next:never",
    );
}

#[test]
fn idle_instances_that_died_are_found_when_looking_through() {
    check(
        "a a +0 +1 .0 .1 ?0 t1",
        "start start give:0:0 give:1:1 watch ok ok gone:0,next:180",
    );
}

#[test]
fn the_watch_is_asked_for_again_after_nothing_was_idle() {
    check("a +0 .0 a t1 .0", "start give:0:0 watch run:0 next:never watch");
}

#[test]
fn eviction_takes_what_is_idle_longest_of_any_function() {
    check(
        "a b +0 +1 .1 t1 .0 E E E",
        "start start give:0:0 give:1:1 watch next:180 ok gone:1 gone:0 nothing",
    );
}

#[test]
fn closing_refuses_and_lets_everything_go_that_is_done() {
    check(
        "a a b +0 +1 +2 .2 C a .0 .1",
        "start start start give:0:0 give:1:1 give:2:2 watch gone:2,ok stopping gone:0 gone:1",
    );
    check("a +0 .0 C", "start give:0:0 watch gone:0,drained");
    check("a C +0 .0", "start ok give:0:0 gone:0");
}

#[test]
fn a_reservation_is_a_functions_own_and_its_limit() {
    let limits = || Limits {
        account_concurrency_mb: 384,
        ..Limits::default()
    };
    // Exclusive: others do not get it, though nobody uses it. Its limit: it does not get more, though there is more.
    check_with(
        limits(),
        "=256 b b a a a",
        "ok start account:128 start start function:256",
    );
    check_with(
        limits(),
        "=128 a a b b b",
        "ok start function:128 start start account:256",
    );
    // All revisions and versions of it together.
    check_with(limits(), "=128 a A", "ok start function:128");
    // It may be more than the operator's limit for single functions, and the end of it.
    let few = Limits {
        function_concurrency_max: 1,
        ..limits()
    };
    check_with(few, "=256 a a a b b", "ok start start function:256 start account:128");
}

#[test]
fn a_reservation_of_nothing_stops_a_function_and_taking_it_away_lets_it_run() {
    check("=0 a = a", "ok function:0 ok start");
    check("a +0 =0 .0 a", "start give:0:0 ok watch function:0");
}

#[test]
fn what_runs_counts_on_when_reservations_come_and_go() {
    let limits = || Limits {
        account_concurrency_mb: 256,
        ..Limits::default()
    };
    let steps = "a a =128 a b <0 a <1 b = a b";
    check_with(
        limits(),
        steps,
        "start start ok function:128 account:256 ok function:128 ok start ok wait account:256",
    );
}

#[test]
fn the_accounts_owner_may_set_less_than_the_operator_and_not_more() {
    let limits = || Limits {
        account_concurrency_mb: 256,
        ..Limits::default()
    };
    check_with(limits(), "#128 a b # a b", "ok start account:128 ok start account:256");
    check_with(limits(), "#1024 a b a", "ok start start account:256");
}

#[test]
fn what_is_over_is_forgotten() {
    let mut script = Script::new(Limits::default());
    for word in "a A b <0 <1 <2 +0 +1 +2 t180 a b -3 -4".split_whitespace() {
        script.step(word);
    }
    assert!(script.schedule.functions.is_empty());
    assert_eq!((script.schedule.running, script.schedule.quota.running_mb), (0, 0));
}

#[test]
fn a_start_serves_as_many_as_its_instance_takes() {
    check(
        "c c c c +0 +1",
        "start wait wait start give:0:0,give:1:0,give:2:0 give:3:1",
    );
    check("c <0 +0 c c c c", "start ok watch run:0 run:0 run:0 start");
    check("c c c c -0 -1", "start wait wait start fail:0 fail:1,fail:2,fail:3");
}

#[test]
fn a_call_goes_where_most_are_so_that_the_others_become_idle() {
    let two = "c c c c +0 +1";
    let given = "start wait wait start give:0:0,give:1:0,give:2:0 give:3:1";
    check(
        &format!("{two} .0 c c .1 .1"),
        &format!("{given} ok run:0 run:1 ok watch"),
    );
    // Those that run go before those that rest.
    check("c c c c +0 +1 .1 .0 c c", &format!("{given} watch ok run:0 run:1"));
}

#[test]
fn room_on_an_instance_goes_to_who_waits() {
    check(
        "c c c +0 c .0 .0 +1",
        "start wait wait give:0:0,give:1:0,give:2:0 start give:3:0 ok watch",
    );
}

#[test]
fn an_instance_one_of_whose_calls_killed_it_gets_no_further_one() {
    check(
        "c c +0 !0 c .0 +1",
        "start wait give:0:0,give:1:0 gone:0 start ok give:2:1",
    );
    check("c c +0 ?0 c", "start wait give:0:0,give:1:0 ok gone:0,start");
}

#[test]
fn a_shared_instance_that_is_retired_finishes_what_it_runs() {
    check(
        "c c +0 S c .0 .0 +1 .1",
        "start wait give:0:0,give:1:0 gone:0,ok start ok ok give:2:1 watch",
    );
    // One that was being started serves those it was started for.
    check("c c S +0 .0 .0 c", "start wait ok give:0:0,give:1:0,gone:0 ok ok start");
}

#[test]
fn the_memory_of_a_shared_instance_counts_once() {
    let limits = || Limits {
        account_concurrency_mb: 256,
        ..Limits::default()
    };
    check_with(limits(), "c c c c b", "start wait wait start account:256");
    check_with(limits(), "c c c b c c", "start wait wait start account:256 account:256");
    let limits = Limits {
        function_concurrency_max: 1,
        ..Limits::default()
    };
    check_with(limits, "c c c c <0 c", "start wait wait function:128 ok wait");
}
