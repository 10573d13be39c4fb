//! kill -9 in the middle of writes, again and again on the same data: what was acknowledged is there and can be called,
//! nothing is half there, and nothing that ran in the killed server is left.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use skiff_tests::{Client, Mark, Package, Sandboxed, Server, Settings, eventually, sandboxed};

const ROUNDS: u64 = 16;
const WRITERS: u64 = 4;
const NAMES_PER_WRITER: u64 = 3;
const SOON: Duration = Duration::from_secs(60);

/// A small generator of numbers: a test that fails is run again with the same ones.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        // Xorshift (Marsaglia 2003).
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// What one function is known to be: the number its code returns, and what its description says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    code: u64,
    description: String,
}

impl State {
    /// Which creation of the name it goes back to: a function that was deleted and made again has records of its own.
    fn identity(&self) -> &str {
        self.description.split_inclusive(',').next().unwrap_or_default()
    }
}

/// What may be true of one name: what was acknowledged last, and what was asked for when the server died.
#[derive(Debug, Default, Clone)]
struct Belief {
    acknowledged: Option<State>,
    asked: Option<Option<State>>,
}

/// A record that was read back.
struct Record {
    name: String,
    identity: String,
    request_id: String,
}

/// One writer, the only one to touch its functions.
struct Writer {
    beliefs: BTreeMap<String, Belief>,
    dice: Dice,
    next: u64,
    /// Calls that were answered and whose records were then read back.
    recorded: Vec<Record>,
}

fn package(code: u64) -> Package {
    Package::python(&format!(
        "def main_handler(event, context):\n    print('said {code}')\n    return {code}\n"
    ))
}

impl Writer {
    fn new(id: u64) -> Self {
        let beliefs = (0..NAMES_PER_WRITER).map(|n| (format!("crash-{id}-{n}"), Belief::default()));
        Self {
            beliefs: beliefs.collect(),
            dice: Dice(0x9E37_79B9 + id),
            next: id * 1_000_000,
            recorded: Vec::new(),
        }
    }

    /// Writes until the server is gone.
    fn write(&mut self, client: &Client, acknowledged: &AtomicU64) {
        while self.act(client).is_some() {
            acknowledged.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// One random act. `None` once the server does not answer any more.
    fn act(&mut self, client: &Client) -> Option<()> {
        let nth = usize::try_from(self.dice.roll(NAMES_PER_WRITER)).expect("small");
        let name = self.beliefs.keys().nth(nth).expect("there are that many").clone();
        let have = self.beliefs[&name].acknowledged.clone();
        self.next += 1;
        let code = self.next;
        let Some(have) = have else {
            let state = State {
                code,
                description: format!("made {code},"),
            };
            let params = json!({
                "FunctionName": name, "Runtime": "Python3", "MemorySize": 64, "Description": state.description,
                "Code": {"ZipFile": package(code).base64()},
            });
            return self.change(client, &name, "CreateFunction", &params, Some(state));
        };
        match self.dice.roll(5) {
            0 => {
                let params = json!({"FunctionName": name, "ZipFile": package(code).base64()});
                self.change(
                    client,
                    &name,
                    "UpdateFunctionCode",
                    &params,
                    Some(State { code, ..have }),
                )
            }
            1 => {
                let description = format!("{} changed {code}", have.identity());
                let params = json!({"FunctionName": name, "Description": description});
                self.change(
                    client,
                    &name,
                    "UpdateFunctionConfiguration",
                    &params,
                    Some(State { description, ..have }),
                )
            }
            2 => self.change(client, &name, "DeleteFunction", &json!({"FunctionName": name}), None),
            _ => self.call(client, &name, &have),
        }
    }

    fn change(&mut self, client: &Client, name: &str, action: &str, params: &Value, to: Option<State>) -> Option<()> {
        let belief = self.beliefs.get_mut(name).expect("own name");
        belief.asked = Some(to.clone());
        let answer = client.try_call(action, params).ok()?;
        answer.unwrap_or_else(|error| panic!("{action} {name}: {error:?}"));
        *belief = Belief {
            acknowledged: to,
            asked: None,
        };
        Some(())
    }

    fn call(&mut self, client: &Client, name: &str, have: &State) -> Option<()> {
        let params = json!({"FunctionName": name, "LogType": "Tail"});
        let answer = client.try_call("Invoke", &params).ok()?.expect("Invoke");
        let result = &answer["Result"];
        if result["InvokeResult"] == -1 {
            // The server's sandboxes die with it, and its last words may say so.
            return None;
        }
        assert_eq!(
            result["RetMsg"],
            have.code.to_string(),
            "{name} runs what was acknowledged: {answer}"
        );
        let id = result["FunctionRequestId"].as_str().expect("an id");
        let query = json!({"FunctionName": name, "FunctionRequestId": id});
        let found = client
            .try_call("GetFunctionLogs", &query)
            .ok()?
            .expect("GetFunctionLogs");
        if found["TotalCount"] == 1 {
            let (name, identity) = (name.to_owned(), have.identity().to_owned());
            self.recorded.push(Record {
                name,
                identity,
                request_id: id.to_owned(),
            });
        }
        Some(())
    }

    /// After a restart: every name is as acknowledged or as asked for, wholly.
    fn verify(&mut self, client: &Client) {
        for (name, belief) in &mut self.beliefs {
            let found = client.call("GetFunction", json!({ "FunctionName": name }));
            let actual = match found {
                Ok(described) => {
                    assert_eq!(described["Status"], "Active", "{name}");
                    let answer = client.invoke(name, &json!({}));
                    let code = answer.returned().as_u64().expect("a number");
                    let description = described["Description"].as_str().expect("text").to_owned();
                    Some(State { code, description })
                }
                Err(error) => {
                    assert_eq!(error.code, "ResourceNotFound.Function", "{name}");
                    None
                }
            };
            let possible = belief.asked.take();
            assert!(
                actual == belief.acknowledged || Some(&actual) == possible.as_ref(),
                "{name} is {actual:?}; acknowledged {:?}, asked for {possible:?}",
                belief.acknowledged
            );
            belief.acknowledged = actual;
        }
        self.verify_records(client);
    }

    /// Records that were read once are read again. Those of a deleted function go with it.
    fn verify_records(&mut self, client: &Client) {
        for Record {
            name,
            identity,
            request_id,
        } in std::mem::take(&mut self.recorded)
        {
            if self.beliefs[&name]
                .acknowledged
                .as_ref()
                .is_none_or(|state| state.identity() != identity)
            {
                continue;
            }
            let query = json!({"FunctionName": name, "FunctionRequestId": request_id});
            let found = client.call("GetFunctionLogs", query).expect("GetFunctionLogs");
            assert_eq!(found["TotalCount"], 1, "the record {request_id} of {name} is lost");
            let log = found["Data"][0]["Log"].as_str().expect("text");
            assert!(
                log.starts_with("START ") && log.contains("\nsaid ") && log.contains("\nReport "),
                "{log}"
            );
        }
    }
}

/// What the server keeps of packages, besides what it always has.
fn kept(data: &Path) -> BTreeSet<String> {
    let files = |folder: &Path| -> Vec<String> {
        let mut found = Vec::new();
        let mut open = vec![folder.to_owned()];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => open.push(entry.path()),
                    _ => found.push(entry.path().display().to_string()),
                }
            }
        }
        found
    };
    files(&data.join("blobs"))
        .into_iter()
        .filter(|path| path.contains("code"))
        .collect()
}

#[test]
fn what_was_acknowledged_survives_kill_9_and_nothing_is_half_there() {
    let mut writers: Vec<Writer> = (0..WRITERS).map(Writer::new).collect();
    let mut dice = Dice(0xC0FF_EE11);
    let mut data = None;
    let mut killed: Vec<Sandboxed> = Vec::new();
    let mut recorded = 0;
    for round in 0..=ROUNDS {
        let settings = data
            .as_ref()
            .map_or_else(Settings::default, |data| Settings::default().on(data));
        let server = settings.start();
        let client = server.client();
        killed.drain(..).for_each(|one| one.vanished());
        writers.iter_mut().for_each(|writer| writer.verify(&client));
        let functions = client
            .call("ListFunctions", json!({"Limit": 100}))
            .expect("ListFunctions");
        let listed: BTreeSet<_> = functions["Functions"]
            .as_array()
            .expect("functions")
            .iter()
            .map(|one| one["FunctionName"].to_string())
            .collect();
        let alive = writers
            .iter()
            .flat_map(|writer| &writer.beliefs)
            .filter(|(_, belief)| belief.acknowledged.is_some());
        let believed: BTreeSet<_> = alive.map(|(name, _)| json!(name).to_string()).collect();
        assert_eq!(listed, believed, "round {round}");
        if round == ROUNDS {
            let (status, data) = server.stop();
            assert!(status.success(), "{status}");
            assert!(
                kept(data.path()).len() <= believed.len(),
                "packages nobody has are kept: {:?}",
                kept(data.path())
            );
            break;
        }
        let acknowledged = AtomicU64::new(0);
        // Sometimes in the first write, sometimes after many.
        let enough = 1 + dice.roll(24);
        data = Some(thread::scope(|scope| {
            for writer in &mut writers {
                let (client, acknowledged) = (&client, &acknowledged);
                scope.spawn(move || writer.write(client, acknowledged));
            }
            eventually(SOON, "enough writes", || {
                (acknowledged.load(Ordering::SeqCst) >= enough).then_some(())
            });
            killed = sandboxed(server.pid());
            server.kill()
        }));
        recorded += writers.iter().map(|writer| writer.recorded.len()).sum::<usize>();
    }
    assert!(recorded > 0, "no record was ever read back before a kill");
}

#[test]
fn nothing_of_a_killed_server_runs_on_and_its_running_calls_leave_no_record() {
    let server = Server::start();
    let client = server.client();
    let code = "import subprocess\ndef main_handler(event, context):\n    subprocess.run(['sleep', event['mark']], start_new_session=True)\n";
    let function = skiff_tests::Spec::python(code).with("Timeout", 600).deploy(&client);
    let mark = Mark::default();
    let inside = thread::scope(|scope| {
        let params =
            json!({"FunctionName": function.name, "ClientContext": json!({"mark": mark.as_str()}).to_string()});
        let caller = client.clone();
        let call = scope.spawn(move || caller.try_call("Invoke", &params).is_err());
        mark.appeared();
        let inside = sandboxed(server.pid());
        assert!(inside.len() > 1, "{inside:?}");
        let data = server.kill();
        // Processes and cables go with it, without any successor.
        mark.vanished();
        assert!(call.join().expect("the call's thread"), "nobody answers the call");
        // Control groups are folders: the successor on the same data takes them away.
        let successor = Settings::default().on(&data).start();
        inside.iter().for_each(Sandboxed::vanished);
        assert!(successor.is_ready());
        let found = |action, params| successor.client().call(action, params).expect(action)["TotalCount"].clone();
        assert_eq!(found("ListFunctions", json!({})), 1);
        // Nothing of a call is written before it ends.
        assert_eq!(found("GetFunctionLogs", json!({"FunctionName": function.name})), 0);
        inside
    });
    assert!(inside.iter().all(|one| one.left().is_empty()));
}
