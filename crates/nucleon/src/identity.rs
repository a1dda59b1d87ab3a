//! From configuration to whoever tells callers apart.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use nucleon_api::{Authenticator, NoAuth};
use nucleon_conf::Settings;
use nucleon_conf::settings::KeystoneAuthtoken;
use nucleon_conf::value::{AuthStrategy, AuthType, Interface};
use nucleon_identity::{
    BasicOptions, Decision, DomainName, HttpBasic, Keystone, KeystoneOptions, Login, ProjectName,
    Secret, ServiceRoles, UserName,
};
use nucleon_tls::{Certificate, Trust};

use crate::program::Start;

/// How long Keystone may take where `http_connect_timeout` does not say it: keystonemiddleware would wait for ever.
const PATIENCE: Duration = Duration::from_secs(20);

/// Tells callers apart by `auth_strategy`.
pub(crate) fn authenticator(start: &Start) -> anyhow::Result<Arc<dyn Authenticator>> {
    let Start { settings, clock, random, metrics, .. } = start;
    let strategy = settings.api.auth_strategy;
    Ok(match strategy {
        AuthStrategy::Noauth => Arc::new(NoAuth),
        AuthStrategy::HttpBasic => {
            let basic = HttpBasic::new(basic_options(settings), clock.clone(), random, metrics);
            Arc::new(basic.context("[oslo_middleware] http_basic_auth_user_file")?)
        }
        AuthStrategy::Keystone => {
            let options = keystone_options(&settings.keystone)
                .with_context(|| format!("[DEFAULT] auth_strategy = {strategy}"))?;
            let keystone = Keystone::new(options, clock.clone(), metrics);
            Arc::new(keystone.context("[keystone_authtoken]")?)
        }
    })
}

fn basic_options(settings: &Settings) -> BasicOptions {
    BasicOptions {
        user_file: settings.middleware.http_basic_auth_user_file.clone(),
        project_id: settings.http_basic.project_id.clone(),
        roles: settings.http_basic.roles.clone(),
    }
}

fn keystone_options(settings: &KeystoneAuthtoken) -> anyhow::Result<KeystoneOptions> {
    let auth_url = needed(settings.auth_url.as_ref(), "auth_url")?;
    let options = KeystoneOptions::new(auth_url, login(settings)?);
    let trust = match (&settings.cafile, settings.insecure) {
        (_, true) => {
            tracing::warn!(
                "[keystone_authtoken] insecure = true: any certificate of Keystone's is believed"
            );
            Trust::Anybody
        }
        (Some(path), false) => Trust::Authority(path.clone()),
        (None, false) => Trust::System,
    };
    Ok(KeystoneOptions {
        www_authenticate_uri: settings.www_authenticate_uri.clone(),
        interface: match settings.interface {
            Interface::Public => nucleon_identity::Interface::Public,
            Interface::Internal => nucleon_identity::Interface::Internal,
            Interface::Admin => nucleon_identity::Interface::Admin,
        },
        region: settings.region_name.clone(),
        cache_time: settings.token_cache_time.0,
        service_roles: ServiceRoles {
            names: settings.service_token_roles.clone(),
            required: settings.service_token_roles_required,
        },
        service_type: settings.service_type.clone(),
        include_catalog: settings.include_service_catalog,
        decision: if settings.delay_auth_decision { Decision::Delayed } else { Decision::Here },
        trust,
        own: own_certificate(settings)?,
        timeout: settings.http_connect_timeout.unwrap_or(PATIENCE),
        retries: settings.http_request_max_retries,
        ..options.context("[keystone_authtoken]")?
    })
}

/// Key and certificate may lie in one file.
fn own_certificate(settings: &KeystoneAuthtoken) -> anyhow::Result<Option<Certificate>> {
    let Some(chain) = settings.certfile.clone() else {
        ensure!(settings.keyfile.is_none(), "[keystone_authtoken] keyfile needs certfile");
        return Ok(None);
    };
    let key = settings.keyfile.clone().unwrap_or_else(|| chain.clone());
    Ok(Some(Certificate { chain, key }))
}

fn login(settings: &KeystoneAuthtoken) -> anyhow::Result<Login> {
    let secret = |secret: &nucleon_conf::value::Secret| Secret::new(secret.expose());
    match settings.auth_type {
        None => bail!("[keystone_authtoken] auth_type is needed, usually password"),
        Some(AuthType::ApplicationCredential) => Ok(Login::ApplicationCredential {
            id: needed(settings.application_credential_id.as_ref(), "application_credential_id")?
                .clone(),
            secret: secret(needed(
                settings.application_credential_secret.as_ref(),
                "application_credential_secret",
            )?),
        }),
        Some(AuthType::Password) => Ok(Login::Password {
            user: user(settings)?,
            password: secret(needed(settings.password.as_ref(), "password")?),
            scope: scope(settings)?,
        }),
    }
}

fn user(settings: &KeystoneAuthtoken) -> anyhow::Result<UserName> {
    if let Some(id) = &settings.user_id {
        return Ok(UserName::Id(id.clone()));
    }
    let name = needed(settings.username.as_ref(), "username or user_id")?.clone();
    let (id, named) = (settings.user_domain_id.as_ref(), settings.user_domain_name.as_ref());
    let domain = domain(settings, id, named)
        .context("[keystone_authtoken] user_domain_name or user_domain_id is needed")?;
    Ok(UserName::Name { name, domain })
}

fn scope(settings: &KeystoneAuthtoken) -> anyhow::Result<ProjectName> {
    if let Some(id) = &settings.project_id {
        return Ok(ProjectName::Id(id.clone()));
    }
    match (&settings.project_name, &settings.system_scope) {
        (Some(name), _) => {
            let (id, named) =
                (settings.project_domain_id.as_ref(), settings.project_domain_name.as_ref());
            let domain = domain(settings, id, named).context(
                "[keystone_authtoken] project_domain_name or project_domain_id is needed",
            )?;
            Ok(ProjectName::Name { name: name.clone(), domain })
        }
        (None, Some(scope)) => {
            ensure!(scope == "all", "[keystone_authtoken] system_scope: '{scope}' is not all");
            Ok(ProjectName::System)
        }
        (None, None) => {
            bail!("[keystone_authtoken] project_name, project_id or system_scope is needed")
        }
    }
}

fn domain(
    settings: &KeystoneAuthtoken,
    id: Option<&String>,
    name: Option<&String>,
) -> Option<DomainName> {
    let by_id = |id: Option<&String>| id.cloned().map(DomainName::Id);
    let by_name = |name: Option<&String>| name.cloned().map(DomainName::Name);
    by_id(id)
        .or_else(|| by_name(name))
        .or_else(|| by_id(settings.default_domain_id.as_ref()))
        .or_else(|| by_name(settings.default_domain_name.as_ref()))
}

fn needed<'v, T>(value: Option<&'v T>, name: &str) -> anyhow::Result<&'v T> {
    value.with_context(|| format!("[keystone_authtoken] {name} is needed"))
}

#[cfg(test)]
mod tests {
    use nucleon_conf::{Machine, Sources};

    use super::*;

    fn options(text: &str) -> anyhow::Result<KeystoneOptions> {
        let machine = Machine { hostname: "here".to_owned(), state_path: "/state".into() };
        let text = format!("[keystone_authtoken]\n{text}");
        let loaded = Settings::load(&Sources::new(machine).text("n.conf", &text)).unwrap();
        keystone_options(&loaded.settings.keystone)
    }

    const USUAL: &str = "\
www_authenticate_uri = http://controller:5000
auth_url = http://controller:5000
auth_type = password
project_domain_name = Default
user_domain_name = Default
project_name = service
username = neutron
password = NEUTRON_PASS
";

    #[test]
    fn the_group_of_the_installation_guide_is_all_that_is_needed() {
        let options = options(USUAL).unwrap();
        assert_eq!(options.auth_url, "http://controller:5000/");
        assert_eq!(options.www_authenticate_uri.as_deref(), Some("http://controller:5000"));
        assert_eq!(options.timeout, PATIENCE);
        let Login::Password { user, scope, .. } = options.login else { panic!() };
        let domain = DomainName::Name("Default".to_owned());
        assert_eq!(user, UserName::Name { name: "neutron".to_owned(), domain: domain.clone() });
        assert_eq!(scope, ProjectName::Name { name: "service".to_owned(), domain });
    }

    #[test]
    fn what_is_missing_is_named() {
        for name in ["auth_url", "auth_type", "username", "password", "project_name"] {
            let lines = USUAL.lines().filter(|line| !line.starts_with(&format!("{name} ")));
            let text: Vec<&str> = lines.collect();
            let error = format!("{:#}", options(&text.join("\n")).unwrap_err());
            assert!(error.contains(name) && error.contains("is needed"), "{name}: {error}");
            assert!(!error.contains("NEUTRON_PASS"), "{error}");
        }
        let error = options(&USUAL.replace("user_domain_name", "#")).unwrap_err();
        assert!(error.to_string().contains("user_domain_name or user_domain_id"), "{error}");
        let error = format!("{:#}", options(&USUAL.replace("http://c", "c")).unwrap_err());
        assert!(error.contains("auth_url: 'controller:5000'"), "{error}");
    }

    #[test]
    fn ids_win_over_names_and_defaults_fill_in() {
        let text = USUAL.replace("user_domain_name = Default", "default_domain_id = d")
            + "project_id = p\nsystem_scope = all\n";
        let Login::Password { user, scope, .. } = options(&text).unwrap().login else { panic!() };
        let domain = DomainName::Id("d".to_owned());
        assert_eq!(user, UserName::Name { name: "neutron".to_owned(), domain });
        assert_eq!(scope, ProjectName::Id("p".to_owned()));
    }

    #[test]
    fn whom_to_believe_is_configured() {
        let trust = |more: &str| options(&format!("{USUAL}{more}")).unwrap().trust;
        assert_eq!(trust(""), Trust::System);
        assert_eq!(trust("cafile = /ca.pem\n"), Trust::Authority("/ca.pem".into()));
        assert_eq!(trust("cafile = /ca.pem\ninsecure = true\n"), Trust::Anybody);
        let own = options(&format!("{USUAL}certfile = /c.pem\n")).unwrap().own.unwrap();
        assert_eq!((own.chain, own.key), ("/c.pem".into(), "/c.pem".into()));
        assert!(options(&format!("{USUAL}keyfile = /k.pem\n")).is_err());
    }
}
