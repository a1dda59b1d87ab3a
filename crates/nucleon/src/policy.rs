//! The rules of a cloud as the configuration gives them, kept up to date in a server; `nucleon policy`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use nucleon_conf::{ConfigErrors, Settings};
use nucleon_core::Core;
use nucleon_policy::{
    Credentials, Lookup, Options, Origin, Parent, Paths, Policy, PolicyFile, Reload, RuleId,
    Target, Unusable, Verdict, Warning,
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::cli::SourceArgs;
use crate::program::{refuse, sources};

/// How long a change of a file may go unnoticed.
const PERIOD: Duration = Duration::from_secs(5);

/// Which rules to show, and how
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    sources: SourceArgs,
    /// Only this rule, and those of its attributes
    #[arg(long = "rule", value_name = "NAME")]
    rules: Vec<String>,
    /// With what the rules are for and what they said before, as JSON
    #[arg(long)]
    json: bool,
}

/// Who asks, and what about
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    sources: SourceArgs,
    /// The rule, such as create_port or create_port:fixed_ips
    #[arg(long, value_name = "NAME")]
    rule: String,
    /// A role that the caller has
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// The project that the caller's token is for
    #[arg(long, value_name = "ID", default_value = "")]
    project_id: String,
    /// The caller
    #[arg(long, value_name = "ID", default_value = "")]
    user_id: String,
    /// The domain that the caller's token is for
    #[arg(long, value_name = "ID", default_value = "")]
    domain_id: String,
    /// The scope of a token for the whole system: all
    #[arg(long, value_name = "SCOPE", default_value = "")]
    system_scope: String,
    /// A value of the object, such as shared=true or network:project_id=ID; its project is the caller's unless given
    #[arg(long = "target", value_name = "NAME=VALUE", value_parser = pair)]
    target: Vec<(String, String)>,
}

/// The policy that the configuration names. Neither its file nor its directories need be there.
///
/// # Errors
/// All that is wrong with the files.
pub(crate) fn load(settings: &Settings) -> Result<PolicyFile, Unusable> {
    let oslo = &settings.policy;
    let paths = Paths::find(&oslo.policy_file, &oslo.policy_dirs.0, &settings.search_path);
    let options = Options {
        enforce_new_defaults: oslo.enforce_new_defaults,
        enforce_scope: oslo.enforce_scope,
        default_rule: oslo.policy_default_rule.clone(),
    };
    PolicyFile::load(paths, options)
}

/// Looks at the files again until cancelled, and puts what they say in force.
pub(crate) async fn follow(mut file: PolicyFile, core: Core, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = core.clock().sleep(PERIOD) => {}
        }
        match file.reload_if_changed() {
            Reload::Unchanged => {}
            Reload::Changed { policy, warnings } => {
                core.replace_policy(policy);
                tracing::info!("the policy was read again and is in force");
                warn(&warnings);
            }
            Reload::Bad(unusable) => {
                tracing::error!("the rules from before stay in force: {unusable}");
            }
        }
    }
}

/// Says what was noticed of rules, in the log.
pub(crate) fn warn(warnings: &[Warning]) {
    for warning in warnings {
        tracing::warn!("{warning}");
    }
}

/// `nucleon policy list`: as a policy file, so that a line can be copied into one.
pub(crate) fn list(arguments: &ListArgs) -> ExitCode {
    let policy = match loaded(&arguments.sources) {
        Ok(policy) => policy,
        Err(code) => return code,
    };
    if let [first, ..] = policy.missing(arguments.rules.iter().map(String::as_str)).as_slice() {
        return unknown(first);
    }
    let wanted = |rule: &RuleId| {
        let name = policy.name(*rule);
        let below = |wanted: &String| {
            name.strip_prefix(wanted.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        };
        arguments.rules.is_empty() || arguments.rules.iter().any(below)
    };
    let rules = policy.rules().filter(wanted);
    if arguments.json {
        let rules: Vec<Value> = rules.map(|rule| described(&policy, rule)).collect();
        say(&format!("{:#}", Value::from(rules)));
    } else {
        for rule in rules {
            // JSON's quoting is YAML's.
            let (name, text) = (json!(policy.name(rule)), json!(policy.text(rule)));
            say(&format!("{name}: {text}  # {}", origin(&policy, rule)));
        }
    }
    ExitCode::SUCCESS
}

/// `nucleon policy check`: says how the rule comes to its verdict. 0 for allowed, 1 for denied.
pub(crate) fn check(arguments: &CheckArgs) -> ExitCode {
    let policy = match loaded(&arguments.sources) {
        Ok(policy) => policy,
        Err(code) => return code,
    };
    let Some(rule) = policy.rule(&arguments.rule) else { return unknown(&arguments.rule) };
    let who = policy.identify(arguments.credentials());
    let explanation = policy.explain(rule, &who, &arguments.object());
    say(&explanation.to_string());
    match explanation.verdict {
        Verdict::Allowed => ExitCode::SUCCESS,
        Verdict::Denied => ExitCode::FAILURE,
        Verdict::NeedsParent => {
            say(
                "it hangs on what the object belongs to: give --target network:project_id=ID and the like",
            );
            ExitCode::FAILURE
        }
    }
}

impl CheckArgs {
    fn credentials(&self) -> Credentials {
        Credentials {
            user_id: self.user_id.clone(),
            project_id: self.project_id.clone(),
            domain_id: self.domain_id.clone(),
            system_scope: self.system_scope.clone(),
            roles: self.roles.clone(),
            ..Credentials::default()
        }
    }

    fn object(&self) -> Object {
        let mut values = BTreeMap::new();
        if !self.project_id.is_empty() {
            values.insert("project_id".to_owned(), self.project_id.clone());
        }
        values.extend(self.target.iter().cloned());
        Object(values)
    }
}

/// An object as the command line describes it.
struct Object(BTreeMap<String, String>);

impl Target for Object {
    fn value(&self, name: &str) -> Lookup<'_> {
        match self.0.get(name).map(String::as_str) {
            Some("true" | "True") => Lookup::Bool(true),
            Some("false" | "False") => Lookup::Bool(false),
            Some(text) => Lookup::Text(Cow::Borrowed(text)),
            None if Parent::asked_by(name).is_some() => Lookup::NotLoaded,
            None => Lookup::Missing,
        }
    }
}

fn loaded(arguments: &SourceArgs) -> Result<Policy, ExitCode> {
    let loaded = Settings::load(&sources(arguments)).map_err(|errors| refuse(&errors))?;
    let file = load(&loaded.settings).map_err(|unusable| {
        eprintln!("{unusable}");
        ExitCode::from(ConfigErrors::EXIT_CODE)
    })?;
    for warning in file.warnings() {
        eprintln!("warning: {warning}");
    }
    Ok(file.policy().clone())
}

fn unknown(name: &str) -> ExitCode {
    eprintln!("nucleon: there is no rule {name}");
    ExitCode::from(ConfigErrors::EXIT_CODE)
}

fn described(policy: &Policy, rule: RuleId) -> Value {
    let declared = policy.declared(rule);
    let operations = declared.map_or(&[][..], |declared| declared.operations).iter();
    let scopes = declared.map_or(&[][..], |declared| declared.scopes).iter();
    json!({
        "name": policy.name(rule),
        "check": policy.text(rule),
        "from": origin(policy, rule),
        "default": declared.map(|declared| declared.check),
        "scopes": scopes.map(|scope| scope.as_str()).collect::<Vec<_>>(),
        "operations": operations
            .map(|operation| json!({"method": operation.method, "path": operation.path}))
            .collect::<Vec<_>>(),
        "former": declared.and_then(|declared| declared.former).map(|former| {
            json!({"name": former.name, "check": former.check, "since": former.since})
        }),
    })
}

fn origin(policy: &Policy, rule: RuleId) -> String {
    match policy.origin(rule) {
        Origin::Default => "default".to_owned(),
        Origin::DefaultOrFormer => "default, or what it said before".to_owned(),
        Origin::File(place) => place.to_string(),
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("is not of the form NAME=VALUE".to_owned()),
    }
}

#[expect(clippy::print_stdout, reason = "the answer of a command")]
fn say(text: &str) {
    println!("{text}");
}
