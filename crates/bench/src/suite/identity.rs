//! What it costs to know who asks: shows with a token that is known already, beside shows that anybody may make.

use anyhow::{Context, Result};
use nucleon_testkit::{Keystone, KeystoneSettings};
use serde_json::json;

use super::Effort;
use crate::api::text;
use crate::http::{Call, Client};
use crate::load;
use crate::program::{Binary, Server, ServerConfig, free_address};
use crate::report::{Report, Row, Target, Unit};
use crate::stats::{Figure, ms, p50};

const SERVICE_PASSWORD: &str = "of-the-service";

/// The most that a cached token may cost, in ms.
const MOST: f64 = 0.1;

/// Measures two servers on SQLite by turns.
pub async fn measure(
    suite: &'static str,
    binary: &Binary,
    effort: Effort,
    report: &mut Report,
) -> Result<()> {
    let keystone = tokio::task::spawn_blocking(furnish).await??;
    let Some((keystone, token)) = keystone else {
        report.skip(suite, "keystone is not installed; scripts/venv-keystone installs it");
        return Ok(());
    };
    let directories = [tempfile::tempdir()?, tempfile::tempdir()?];
    let [open, guarded] = [None, Some(options(&keystone))];
    let mut sides = Vec::new();
    for (directory, keystone) in directories.iter().zip([open, guarded]) {
        let address = free_address()?;
        let state = directory.path().to_owned();
        let config = ServerConfig { state, address, connection: None, keystone };
        let server = Server::start(binary, &config).await?;
        let client = server.client().await?;
        sides.push((server, client));
    }
    let [(open, mut anybody), (guarded, somebody)] =
        <[_; 2]>::try_from(sides).ok().context("two servers")?;
    let mut somebody = somebody.with_token(token);
    let (any, some) = (show(&mut anybody).await?, show(&mut somebody).await?);
    let mut costs = Vec::new();
    for _ in 0..effort.pick(3, 21) {
        let calls = effort.pick(50, 300);
        let any = time(&mut anybody, &any, calls).await?;
        costs.push(time(&mut somebody, &some, calls).await? - any);
    }
    let cost = Figure::of(costs).context("rounds")?;
    let name = "show with a cached token, less one without identity, p50";
    let row = Row::new(suite, name, Unit::Milliseconds, cost).target(Target::AtMost(MOST));
    report.add([row]);
    open.stop().await?;
    guarded.stop().await
}

/// A Keystone with the service's user, and an administrator's token.
fn furnish() -> Result<Option<(Keystone, String)>> {
    let Some(keystone) = Keystone::start(&KeystoneSettings::default()) else { return Ok(None) };
    keystone.member("neutron", SERVICE_PASSWORD, "service", "service")?;
    let token = keystone.admin_token()?;
    Ok(Some((keystone, token)))
}

fn options(keystone: &Keystone) -> String {
    let url = keystone.url();
    format!(
        "www_authenticate_uri = {url}\nauth_url = {url}\nauth_type = password\n\
         project_domain_name = Default\nuser_domain_name = Default\nproject_name = service\n\
         username = neutron\npassword = {SERVICE_PASSWORD}\n"
    )
}

/// Makes a network; the request that shows it.
async fn show(client: &mut Client) -> Result<Call> {
    let network = Call::post("/v2.0/networks", &json!({ "network": { "name": "shown" } }));
    let network = client.call(&network).await?.json()?;
    Ok(Call::get(format!("/v2.0/networks/{}", text(&network, "/network/id")?)))
}

async fn time(client: &mut Client, call: &Call, times: usize) -> Result<f64> {
    let outcome = load::run(std::slice::from_mut(client), &vec![call.clone(); times]).await?;
    Ok(ms(p50(&outcome.times)))
}
