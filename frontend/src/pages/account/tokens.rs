//! API tokens.

use crate::{
    components::{Ago, CopyField, Field, ProblemBox, Until, error_of},
    live::{PageData, refresh_after},
    server::{AccountData, CreateToken, Dated, RevokeToken},
};
use aerie_domain::views::{CreatedToken, TokenView};
use leptos::{form::ActionForm, prelude::*};
use time::OffsetDateTime;

/// The list, the form for a new one, and the secret of the one just made.
#[component]
pub fn Tokens(page: PageData<Dated<AccountData>>) -> impl IntoView {
    let create = ServerAction::<CreateToken>::new();
    let revoke = ServerAction::<RevokeToken>::new();
    refresh_after(create, page.refresh);
    refresh_after(revoke, page.refresh);
    // Without scripts the secret comes with the page, with scripts as the answer to the form.
    let with_page = page.value.with_untracked(|page| page.data.created.clone());
    let created = move || {
        let answered = create.value().with(|value| value.as_ref().and_then(|made| made.as_ref().ok().cloned()));
        answered.or_else(|| with_page.clone()).map(|created| view! { <Created created /> })
    };
    let rows = move || {
        page.value.with(|page| {
            let row = |token: &TokenView| view! { <Row token=token.clone() now=page.now revoke /> };
            page.data.tokens.iter().map(row).collect::<Vec<_>>()
        })
    };
    let none = move || page.value.with(|page| page.data.tokens.is_empty());
    view! {
        <section class="card" id="tokens">
            <h2>"API tokens"</h2>
            <p class="muted">"Programs use them instead of your password, for everything except the account itself."</p>
            <div role="status">{created}</div>
            <ProblemBox error=error_of(revoke) />
            {move || none().then(|| view! { <p class="empty">"No tokens."</p> })}
            <table class="stack" class:hidden=none>
                <thead>
                    <tr>
                        <th scope="col">"Name"</th>
                        <th scope="col">"Begins with"</th>
                        <th scope="col">"May"</th>
                        <th scope="col">"Last used"</th>
                        <th scope="col">"Ends"</th>
                        <th scope="col">
                            <span class="hidden">"Revoke"</span>
                        </th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
            <CreateForm create />
        </section>
    }
}

#[component]
fn Created(created: CreatedToken) -> impl IntoView {
    view! {
        <div class="notice">
            <p>
                "Here is the token "<strong>{created.token.name}</strong>
                ". Copy it now: it is not shown again."
            </p>
            <CopyField label="Token" value=created.secret />
        </div>
    }
}

#[component]
fn CreateForm(create: ServerAction<CreateToken>) -> impl IntoView {
    let error = error_of(create);
    view! {
        <h3>"New token"</h3>
        <ProblemBox error fields=&["name", "expires_in_days"] />
        <ActionForm action=create attr:class="inline-form">
            <Field form="token" name="name" label="What it is for" error required=true max_length=100 />
            <div class="field">
                <label for="field-scope">"It may"</label>
                <select id="field-scope" name="scope">
                    <option value="read">"read"</option>
                    <option value="write">"read and write"</option>
                </select>
            </div>
            <Field
                form="token"
                name="expires_in_days"
                label="Days until it ends"
                kind="number"
                value="30"
                error
                required=true
            />
            <button type="submit">"Create token"</button>
        </ActionForm>
    }
}

#[component]
fn Row(token: TokenView, now: OffsetDateTime, revoke: ServerAction<RevokeToken>) -> impl IntoView {
    let used = match token.last_used_at {
        Some(at) => view! { <Ago at now /> }.into_any(),
        None => "never".into_any(),
    };
    view! {
        <tr>
            <td data-label="Name" class="wrap">
                {token.name}
            </td>
            <td data-label="Begins with">
                <code>{token.prefix}"…"</code>
            </td>
            <td data-label="May">{token.scope.as_str()}</td>
            <td data-label="Last used">{used}</td>
            <td data-label="Ends">
                <Until at=token.expires_at now />
            </td>
            <td>
                <ActionForm action=revoke>
                    <input type="hidden" name="token" value=token.id.to_string() />
                    <button class="quiet" type="submit">
                        "Revoke"
                    </button>
                </ActionForm>
            </td>
        </tr>
    }
}
