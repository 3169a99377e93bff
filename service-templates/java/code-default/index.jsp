<%@ page contentType="text/html; charset=UTF-8" import="java.util.LinkedHashMap, java.util.Map" %><%--
The welcome page of a new Java service: shows that pages run, which instance answers, and that sessions are shared. --%><%!
private static String escape(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
}
%><%
Integer before = (Integer) session.getAttribute("visits");
int visits = before == null ? 1 : before + 1;
session.setAttribute("visits", visits);
String instance = String.valueOf(System.getenv("AERIE_INSTANCE")).replace("-", "");
Map<String, String> facts = new LinkedHashMap<>();
facts.put("Application", System.getProperty("aerie.application"));
facts.put("Service", System.getProperty("aerie.service"));
facts.put("Java", Runtime.version().feature() + ", " + application.getServerInfo());
facts.put("Answered by instance", instance.substring(Math.max(0, instance.length() - 8)));
facts.put("Your visits in this session", String.valueOf(visits));
%><!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>It works</title>
<style>
:root { color-scheme: light dark; --ink: #1d2530; --soft: #5b6675; --paper: #f6f7f9; --card: #fff; --line: #dfe3e8; --accent: #2f6f62 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6eaf0; --soft: #9aa5b4; --paper: #14181d; --card: #1c2229; --line: #2e3641; --accent: #7cc7b6 }
}
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--paper); color: var(--ink); font: 1rem/1.6 system-ui, sans-serif }
main { width: 100%; max-width: 36rem; padding: 2rem; background: var(--card); border: 1px solid var(--line); border-radius: .75rem }
h1 { margin: 0 0 .25rem; font-size: 1.75rem; line-height: 1.2 }
h1 span { color: var(--accent) }
p { margin: 0 0 1.25rem; color: var(--soft) }
dl { display: grid; grid-template-columns: auto 1fr; gap: .5rem 1.5rem; margin: 0 0 1.25rem; padding: 1rem 0; border: solid var(--line); border-width: 1px 0 }
dt { color: var(--soft) }
dd { margin: 0; font-variant-numeric: tabular-nums; overflow-wrap: anywhere }
code { padding: .1em .35em; background: var(--paper); border-radius: .25rem; font-size: .9em }
main > :last-child { margin-bottom: 0 }
</style>
</head>
<body>
<main>
<h1>Welcome<span>.</span></h1>
<p>It works: this Java service is running and waits for your application.</p>
<dl>
<% for (Map.Entry<String, String> fact : facts.entrySet()) { String name = fact.getKey(); %>
  <dt><%= escape(name) %></dt><dd id="<%= name.toLowerCase().split(" ")[0] %>"><%= escape(fact.getValue()) %></dd>
<% } %>
</dl>
<p>Reload the page: the visits go on counting whichever instance answers, because all java instances share their
sessions. Upload a <code>.war</code> on the service's page to replace this one.</p>
</main>
</body>
</html>
