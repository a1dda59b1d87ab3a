//! Agents, as the API shows them.

use nucleon_db::{Listed, agent as store};
use nucleon_model::{
    Agent, AgentDraft, AgentId, AgentType, Cell, Filter, ListQuery, Resource, Stored,
};

use crate::{Caller, Core, Error, Noun, Operations, Precondition, Result};

impl Noun for Agent {
    const OPERATIONS: Operations = Operations::LIST
        .union(Operations::SHOW)
        .union(Operations::UPDATE)
        .union(Operations::DELETE);

    fn key(&self) -> String {
        self.id.to_string()
    }

    async fn list(core: &Core, caller: &Caller, mut query: ListQuery) -> Result<Vec<Self>> {
        if !core.sees(caller, &Self::default()) {
            return Ok(Vec::new());
        }
        // Whether an agent is alive depends on the time, which the database does not know.
        let alive = take_alive(&mut query);
        spell_types(&mut query);
        let now = core.now();
        let heard_since = match alive.as_deref() {
            None => None,
            Some([]) => return Ok(Vec::new()),
            // Both at once is no condition.
            Some(wanted) if wanted.contains(&true) && wanted.contains(&false) => None,
            Some(wanted) => Some((core.alive_since(now), wanted.contains(&true))),
        };
        let listed = core.store().read(|tx| {
            let query = query.clone();
            Box::pin(
                async move { Ok::<_, Error>(store::agent_list(tx, &query, heard_since).await?) },
            )
        });
        let mut agents = match listed.await? {
            Listed::Records(agents) => agents,
            Listed::NoMarker(id) => return Err(missing(id)),
        };
        for agent in &mut agents {
            agent.alive = core.is_alive(agent, now);
        }
        Ok(agents)
    }

    async fn show(core: &Core, caller: &Caller, id: &str) -> Result<Self> {
        let agent_id = parse(id)?;
        if !core.sees(caller, &Self::default()) {
            return Err(missing(id));
        }
        let found = core.store().read(|tx| {
            Box::pin(async move { Ok::<_, Error>(store::agent_get(tx, agent_id).await?) })
        });
        let mut agent = found.await?.ok_or_else(|| missing(id))?;
        agent.alive = core.is_alive(&agent, core.now());
        Ok(agent)
    }

    async fn update(
        core: &Core,
        caller: &Caller,
        id: &str,
        draft: AgentDraft,
        _: Precondition,
    ) -> Result<Self> {
        let input = (caller.clone(), parse(id)?, draft, core.now());
        core.write("agent update", input, |core, tx, (caller, id, draft, now)| {
            Box::pin(async move {
                let mut agent = store::agent_get(tx, id).await?.ok_or_else(|| missing(id))?;
                core.authorise_update(&caller, &draft, &agent)?;
                draft.admin_state_up.apply(&mut agent.admin_state_up);
                draft.description.apply_nullable(&mut agent.description);
                store::agent_update(tx, &agent).await?;
                agent.alive = core.is_alive(&agent, now);
                Ok(agent)
            })
        })
        .await
    }

    async fn delete(core: &Core, caller: &Caller, id: &str, _: Precondition) -> Result<()> {
        let input = (caller.clone(), parse(id)?, core.now());
        core.write("agent delete", input, |core, tx, (caller, id, now)| {
            Box::pin(async move {
                let agent = store::agent_get(tx, id).await?.ok_or_else(|| missing(id))?;
                core.authorise_delete(&caller, &agent)?;
                core.dhcp_bequeath(tx, &caller, &agent, now).await?;
                core.l3_bequeath(tx, &caller, agent.id, now).await?;
                if store::agent_delete(tx, id).await? { Ok(()) } else { Err(missing(id)) }
            })
        })
        .await?;
        core.forget_agents();
        Ok(())
    }
}

fn parse(id: &str) -> Result<AgentId> {
    id.parse().map_err(|_| missing(id))
}

pub(crate) fn missing(id: impl std::fmt::Display) -> Error {
    Error::not_found(Agent::DECL, id)
}

/// Spells the types that a query asks for as they are stored.
fn spell_types(query: &mut ListQuery) {
    let Some((wanted, _)) = Agent::DECL.find("agent_type") else { return };
    for filter in &mut query.filters {
        let Filter::Attribute { index, values } = filter else { continue };
        for value in values.iter_mut().filter(|_| *index == wanted) {
            if let Cell::Text(name) = value
                && let Some(known) = AgentType::named(name)
            {
                *value = Cell::Text(known.as_str().to_owned());
            }
        }
    }
}

/// Takes the filter by `alive` out of a query.
fn take_alive(query: &mut ListQuery) -> Option<Vec<bool>> {
    let (index, _) = Agent::DECL.find("alive")?;
    let is_alive =
        |filter: &Filter| matches!(filter, Filter::Attribute { index: at, .. } if *at == index);
    let place = query.filters.iter().position(is_alive)?;
    match query.filters.remove(place) {
        Filter::Attribute { values, .. } => {
            let read = |value: Cell| match value {
                Cell::Text(text) => Some(text.eq_ignore_ascii_case("true") || text == "1"),
                cell => bool::from_cell(cell).ok(),
            };
            Some(values.into_iter().filter_map(read).collect())
        }
        _ => None,
    }
}
