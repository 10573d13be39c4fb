//! Instances that do what their event says, and a recorder that remembers.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use skiff_domain::{
    AttemptEnd, AttemptRecord, AttemptReport, Call, CodeDigest, FunctionKey, FunctionUid, InitReport, Invocation,
    NetworkMode, Origin, Qualifier, RequestId, Revision, StartError, UserFault, Version,
};
use tokio::time::{Instant, sleep};

use crate::port::{Instance, Instances, Recorder};
use crate::settings::Identity;

pub(crate) fn identity() -> Identity {
    Identity {
        region: "local".to_owned(),
        app_id: "1250000000".to_owned(),
        uin: "100000000001".to_owned(),
    }
}

/// A version of a function; functions of other names are other functions.
pub(crate) fn version(name: &str) -> Version {
    let mut seed = [0; 5];
    seed.iter_mut().zip(name.bytes()).for_each(|(to, from)| *to = from);
    Version {
        key: FunctionKey {
            namespace: Default::default(),
            name: name.parse().unwrap(),
        },
        uid: FunctionUid::from_random(seed),
        label: Qualifier::latest(),
        revision: Revision(1),
        runtime: "Python3.11".parse().unwrap(),
        handler: "index.main_handler".to_owned(),
        memory_mb: 128,
        timeout: Duration::from_secs(3),
        init_timeout: Duration::from_secs(65),
        environment: Vec::new(),
        code: CodeDigest::of(name.as_bytes()),
        layers: Default::default(),
        network: NetworkMode::Public,
        role: None,
        web: None,
        concurrency: Default::default(),
    }
}

/// A call of `version` with this event.
pub(crate) fn invocation(version: &Arc<Version>, event: &str) -> Invocation {
    Invocation {
        id: RequestId::random(),
        version: Arc::clone(version),
        qualifier: Qualifier::latest(),
        event: Bytes::copy_from_slice(event.as_bytes()),
        origin: Origin::Api,
    }
}

/// Keeps every record.
#[derive(Default)]
pub(crate) struct Recorded(pub(crate) Mutex<Vec<AttemptRecord>>);

impl Recorder for Recorded {
    fn record(&self, record: AttemptRecord) {
        self.0.lock().push(record);
    }
}

/// How the next start goes.
pub(crate) enum Plan {
    /// It is ready after this time.
    After(Duration),
    /// It fails.
    Fail(StartError),
    /// It never ends.
    Hang,
    /// It panics.
    Panic,
}

/// A source of instances. Starts go by the plans, in order, and at once when there are none.
#[derive(Default)]
pub(crate) struct FakeInstances {
    pub(crate) plans: Mutex<VecDeque<Plan>>,
    pub(crate) state: Arc<FakeState>,
}

/// What the instances have in common.
#[derive(Default)]
pub(crate) struct FakeState {
    /// Instances started.
    pub(crate) started: AtomicU32,
    /// Numbers of those let go, in order.
    pub(crate) gone: Mutex<Vec<u32>>,
    /// Numbers of the instances that ran an event, in order.
    pub(crate) runs: Mutex<Vec<u32>>,
    /// Instances, by number, that died while idle.
    pub(crate) dead: Mutex<Vec<u32>>,
    /// The last call's context.
    pub(crate) context: Mutex<Bytes>,
}

impl FakeState {
    pub(crate) fn alive(&self) -> usize {
        self.started.load(Ordering::SeqCst) as usize - self.gone.lock().len()
    }
}

impl Instances for FakeInstances {
    type Instance = FakeInstance;

    async fn start(&self, version: &Arc<Version>) -> Result<(FakeInstance, InitReport), StartError> {
        let plan = self.plans.lock().pop_front();
        match plan {
            None => {}
            Some(Plan::After(time)) => sleep(time).await,
            Some(Plan::Fail(error)) => return Err(error),
            Some(Plan::Hang) => std::future::pending().await,
            Some(Plan::Panic) => panic!("as planned"),
        }
        let number = self.state.started.fetch_add(1, Ordering::SeqCst);
        let body = Body {
            number,
            concurrency: version.concurrency.get(),
            events: AtomicU32::new(0),
            broken: AtomicBool::new(false),
            state: Arc::clone(&self.state),
        };
        let instance = FakeInstance(Arc::new(body));
        let init = InitReport {
            total: Duration::from_millis(5),
            user_code: Duration::from_millis(1),
            output: "loading\n".into(),
            note: Some("started as planned".to_owned()),
        };
        Ok((instance, init))
    }
}

/// A handle at an instance that does what its event says: `"raise"`, `"exit"`, `"time out"`, `"no memory"`,
/// `"unread"` by the first two, `"unread, always"`, `"too large"`, `"garbage"`, `"hang"`, `"yield"`, or a number of
/// milliseconds to take; then it returns its own number.
pub(crate) struct FakeInstance(Arc<Body>);

/// What its handles have in common.
struct Body {
    number: u32,
    concurrency: u32,
    /// Events it runs now.
    events: AtomicU32,
    /// True once a run ended in a way no instance survives.
    broken: AtomicBool,
    state: Arc<FakeState>,
}

/// One event on an instance; dropped early, it takes the instance out of service.
struct Run<'a> {
    body: &'a Body,
    survived: bool,
}

impl<'a> Run<'a> {
    fn begin(body: &'a Body) -> Self {
        let before = body.events.fetch_add(1, Ordering::SeqCst);
        assert!(before < body.concurrency, "more events on an instance than it takes");
        body.state.runs.lock().push(body.number);
        Self { body, survived: false }
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        self.body.events.fetch_sub(1, Ordering::SeqCst);
        if !self.survived {
            self.body.broken.store(true, Ordering::SeqCst);
        }
    }
}

impl Instance for FakeInstance {
    async fn visit(&mut self, call: Call, visit: crate::Visit) -> AttemptReport {
        drop(visit);
        self.invoke(call).await
    }

    async fn invoke(&mut self, call: Call) -> AttemptReport {
        let body = &*self.0;
        let mut run = Run::begin(body);
        *body.state.context.lock() = call.context;
        let began = Instant::now();
        let end = match &call.event[..] {
            b"\"raise\"" => AttemptEnd::Raised(UserFault {
                message: "ValueError: boom".to_owned(),
                stack_trace: "Traceback\nValueError: boom".to_owned(),
            }),
            b"\"exit\"" => AttemptEnd::Exited("exit code 3".to_owned()),
            b"\"time out\"" => {
                sleep(call.timeout).await;
                AttemptEnd::TimedOut
            }
            unread if unread.starts_with(b"\"unread") && (body.number < 2 || unread.ends_with(b"always\"")) => {
                AttemptEnd::Unread {
                    event: call.event.clone(),
                    how: "exit code 3".to_owned(),
                }
            }
            b"\"no memory\"" => AttemptEnd::OutOfMemory,
            b"\"too large\"" => AttemptEnd::ResponseTooLarge { bytes: 7 << 20 },
            b"\"garbage\"" => AttemptEnd::Garbage("not a frame".to_owned()),
            b"\"hang\"" => std::future::pending().await,
            event => {
                match std::str::from_utf8(event).unwrap().parse() {
                    Ok(ms) => sleep(Duration::from_millis(ms)).await,
                    Err(_) => tokio::task::yield_now().await,
                }
                AttemptEnd::Returned(body.number.to_string().into())
            }
        };
        run.survived = matches!(
            end,
            AttemptEnd::Returned(_) | AttemptEnd::Raised(_) | AttemptEnd::ResponseTooLarge { .. }
        );
        AttemptReport {
            end,
            duration: began.elapsed() + Duration::from_micros(826),
            memory_peak_bytes: 3_207_168,
            output: "working\n".into(),
        }
    }

    fn share(&self) -> Self {
        Self(Arc::clone(&self.0))
    }

    fn is_alive(&self) -> bool {
        let body = &self.0;
        !body.broken.load(Ordering::SeqCst) && !body.state.dead.lock().contains(&body.number)
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        self.state.gone.lock().push(self.number);
    }
}
