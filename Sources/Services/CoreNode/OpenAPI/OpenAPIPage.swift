/// The page on which calls of the API can be tried.
enum OpenAPIPage {
    static let html = #"""
        <!DOCTYPE html>
        <html lang="en"><head><meta charset="utf-8"><title>Needletail API</title>
        <meta name="viewport" content="width=device-width">
        <style>
        body { font: 15px/1.4 system-ui, sans-serif; margin: 0 auto; max-width: 70rem; padding: 1rem; }
        summary { cursor: pointer; padding: .3rem 0; } details details { margin-left: 1rem; }
        .method { display: inline-block; width: 4.5rem; font-weight: bold; } .path { font-family: monospace; }
        .what { color: #666; } table { border-spacing: .5rem .2rem; } textarea { width: 100%; height: 8rem; }
        pre { background: #f3f3f3; padding: .5rem; overflow: auto; max-height: 25rem; white-space: pre-wrap; }
        input, button, textarea, select { font: inherit; } .required { font-weight: bold; }
        </style></head><body>
        <h1>Needletail API</h1>
        <form id="login"><input name="username" placeholder="e-mail" autocomplete="username">
        <input name="password" type="password" placeholder="password" autocomplete="current-password">
        <button>Sign in</button> <span id="who">not signed in</span></form>
        <p><input id="filter" placeholder="filter paths"> <a href="/v3/api-docs">the description as JSON</a></p>
        <div id="operations"></div>
        <script>
        "use strict";
        let token = null;
        const make = (name, members = {}, ...children) => {
          const element = Object.assign(document.createElement(name), members);
          element.append(...children);
          return element;
        };
        document.getElementById("login").onsubmit = async event => {
          event.preventDefault();
          const body = JSON.stringify(Object.fromEntries(new FormData(event.target)));
          const answer = await fetch("/api/auth/login", {method: "POST", body});
          const result = await answer.json();
          token = result.token || null;
          document.getElementById("who").textContent = token ? "signed in" : result.message;
        };
        const example = (schema, all, depth = 0) => {
          if (!schema || depth > 4) return null;
          if (schema.$ref) return example(all[schema.$ref.split("/").pop()], all, depth + 1);
          if (schema.enum) return schema.enum[0];
          if (schema.type === "object") {
            const required = schema.required || Object.keys(schema.properties || {});
            return Object.fromEntries(required.map(key => [key, example(schema.properties[key], all, depth + 1)]));
          }
          return {string: "", integer: 0, number: 0, boolean: false, array: []}[schema.type] ?? null;
        };
        const operation = (path, method, described, all) => {
          const inputs = (described.parameters || []).map(parameter => {
            const choices = parameter.schema.enum;
            const input = choices ? make("select", {}, ...["", ...choices].map(value => make("option", {value}, value)))
              : make("input", {placeholder: parameter.schema.format || parameter.schema.type});
            return {parameter, input};
          });
          const rows = inputs.map(({parameter, input}) => make("tr", {},
            make("td", {className: parameter.required ? "required" : ""}, parameter.name), make("td", {}, input)));
          const content = described.requestBody && described.requestBody.content;
          const type = content && Object.keys(content)[0];
          const text = content && make("textarea", {
            value: type === "application/json" ? JSON.stringify(example(content[type].schema, all), null, 2) : ""});
          const result = make("pre", {hidden: true});
          const send = make("button", {onclick: async () => {
            let target = path;
            const query = new URLSearchParams();
            for (const {parameter, input} of inputs) {
              if (parameter.in === "path") target = target.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
              else if (input.value !== "") query.append(parameter.name, input.value);
            }
            if (query.size) target += "?" + query;
            const headers = token ? {"X-Authorization": "Bearer " + token} : {};
            if (text) headers["Content-Type"] = type;
            const answer = await fetch(target, {method: method.toUpperCase(), headers, body: text ? text.value : undefined});
            const body = await answer.text();
            let shown = body;
            try { shown = JSON.stringify(JSON.parse(body), null, 2); } catch {}
            result.hidden = false;
            result.textContent = `${method.toUpperCase()} ${target}\n${answer.status}\n\n${shown}`;
          }}, "Send");
          const element = make("details", {},
            make("summary", {}, make("span", {className: "method"}, method.toUpperCase()),
              make("span", {className: "path"}, path), make("span", {className: "what"}, " " + described.summary)),
            make("p", {className: "what"}, described.description), make("table", {}, ...rows), text || "", make("p", {}, send),
            result);
          element.dataset.path = path.toLowerCase();
          return element;
        };
        fetch("/v3/api-docs").then(answer => answer.json()).then(api => {
          const groups = new Map();
          for (const [path, methods] of Object.entries(api.paths))
            for (const [method, described] of Object.entries(methods)) {
              const tag = described.tags[0];
              if (!groups.has(tag)) groups.set(tag, make("details", {}, make("summary", {}, make("b", {}, tag))));
              groups.get(tag).append(operation(path, method, described, api.components.schemas));
            }
          document.getElementById("operations").append(...[...groups.keys()].sort().map(tag => groups.get(tag)));
        });
        document.getElementById("filter").oninput = event => {
          const wanted = event.target.value.toLowerCase();
          for (const group of document.querySelectorAll("#operations > details")) {
            let any = false;
            for (const one of group.querySelectorAll("details")) {
              one.hidden = !one.dataset.path.includes(wanted);
              any = any || !one.hidden;
            }
            group.hidden = !any;
            group.open = wanted !== "" && any;
          }
        };
        </script></body></html>
        """#
}
