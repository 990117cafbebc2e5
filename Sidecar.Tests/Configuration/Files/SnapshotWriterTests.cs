using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Files;
using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Tests.Configuration.Files;

/// <summary>What is written of a configuration is read as the same.</summary>
internal sealed class SnapshotWriterTests
{
    // JSON, for the configuration of an agent, on every machine where the tests run.
    private static readonly string File = Path.Combine(AppContext.BaseDirectory, "Sidecar.Tests.deps.json");

    // A value for settings that have no default, or none that can be written, by what stands for it in help.
    private static readonly Dictionary<string, string> Samples = new(StringComparer.Ordinal)
    {
        ["FILE"] = File,
        ["NAME"] = "abc",
        ["DURATION"] = "1.5s",
        ["SIZE"] = "300KiB",
        ["N"] = "7",
        ["HOST+*.HOST"] = "a.example+*.b.example",
        ["NAME+NAME"] = "X-A+X-B",
        ["GET+POST"] = "GET+PUT",
        ["EVENT+EVENT"] = "request-headers+response-body",
        ["EVENT:DURATION"] = "guardrail:2s+request-body:300ms",
        ["ID+ID"] = "waf",
        ["USER+USER"] = "root",
        ["GROUP+GROUP"] = "root",
        ["PREFIX"] = "/a b",
        ["block|skip|partial"] = "partial",
        ["json|msgpack"] = "json",
        ["MODE"] = "streamed",
    };

    private static IEnumerable<TestCaseData> Places() =>
        from scope in FrontWord.All.Select(static front => front.Scope).Concat([SettingScopes.Run, SettingScopes.Agent, SettingScopes.Route]).Distinct()
        from setting in SettingsTable.Of(scope)
        where setting.FilePath.Length > 0 && setting.Form.Shape != ValueShape.Stages && setting != ListenerSettings.Proxy
        select new TestCaseData(scope, setting).SetArgDisplayNames($"{scope}: {setting.FilePath}");

    [TestCaseSource(nameof(Places))]
    public void EverySetting_IsWrittenWhereItIsRead(object where, object one)
    {
        var (scope, setting) = ((SettingScopes)where, (Setting)one);
        var sample = setting.WrittenDefault is { Length: > 0 } usual ? usual
            : setting == RouteSettings.Sticky ? "cookie:sid"
            : Samples[setting.Placeholder];
        var values = setting.Read(sample, SettingValues.Empty, static problem => Assert.Fail(problem));
        var front = FrontWord.All.FirstOrDefault(front => front.Scope == scope);
        var listener = new ListenerOptions
        {
            Kind = front?.Kind ?? ListenerKind.Native,
            Path = "/run/l",
            GivenName = "l",
            Values = front is null ? SettingValues.Empty : front.Proxy == ProxyKind.None ? values : values.With(ListenerSettings.Proxy, front.Proxy),
        };
        var written = SnapshotWriter.Write(new()
        {
            Values = scope == SettingScopes.Run ? values : SettingValues.Empty,
            Agents = [new() { Id = "waf", Endpoints = [new AgentEndpoint.Unix("/run/w")], Values = scope == SettingScopes.Agent ? values : SettingValues.Empty }],
            Listeners = [listener],
            Routes = [new() { Id = "r", Values = (scope == SettingScopes.Route ? values : SettingValues.Empty).With(RouteSettings.Agents, [[new("waf", null)]]) }],
        });

        var (findings, origins) = (new Findings(), new Origins());
        var read = new FileBinder(findings, origins).Read("/etc/s.yaml", System.Text.Encoding.UTF8.GetBytes(written));

        var found = scope == SettingScopes.Run ? read.Values : scope == SettingScopes.Agent ? read.Agents[0].Values
            : scope == SettingScopes.Route ? read.Routes[0].Values : read.Listeners.Count > 0 ? read.Listeners[0].Values : SettingValues.Empty;
        Assert.That(findings.Errors.Where(static error => !error.Contains(" is of ", StringComparison.Ordinal) && !error.Contains(" is for ", StringComparison.Ordinal)
            && !error.Contains(" is the key of ", StringComparison.Ordinal) && !error.Contains("path_prefix", StringComparison.Ordinal)), Is.Empty, written);
        Assert.That(found.PartsOf(setting), Is.EqualTo(values.PartsOf(setting)), written);
        var about = scope switch
        {
            SettingScopes.Run => Subject.Daemon,
            SettingScopes.Agent => Subject.Agent("waf"),
            SettingScopes.Route => Subject.Route("r"),
            _ => Subject.Listener("l"),
        };
        Assert.That(origins.TextOf(about, setting), Does.StartWith("/etc/s.yaml:"));
    }

    [TestCase("--agent a=/run/a.sock --listen native=/run/n.sock")]
    [TestCase(
        "--agent waf=/run/w.sock+https://x.example:1,timeout=80ms,event-timeout=guardrail:2s,body=optional --agent in=reverse: --agent g=grpc-unix:/g,max-body=none,mode=off "
        + "--listen http=/run/h.sock,proxy=nginx,set-headers=,group=www-data --listen http=/run/h2.sock,proxy=json --listen spop=abns:x --listen reverse=/run/r,agents=in "
        + "--listen http=127.0.0.1:80,proxy=traefik,secret-file=/s --listen envoy=127.0.0.1:81,secret-file=/s,failure-mode-allow=yes --listen admin=/run/a,mode=0600 "
        + "--route r,host=a.example+*.b.example,agents=waf:monitor>in+g:off,sticky=cookie:s,path=/x,path-case=insensitive --route n,agents=none,method=GET "
        + "--unmatched inspect:waf>g --breaker-rate 20 --wait-for-agents --queue-wait none --body-memory 1GiB --event-timeout request-body:1s --reply-key /k")]
    [TestCase("--agent a=/run/a.sock --listen native=/run/n.sock --route all,agents=a --unmatched pass --max-in-flight auto")]
    [TestCase("--listen native=/run/n.sock --route all,agents=none --unmatched refuse")]
    public void FileOfFlags_IsReadAsTheFlags(string line)
    {
        var result = Sidecar.Daemon.Cli.RunCommand.Create(TextWriter.Null).Parse(line.Split(' '));
        Assert.That(result.Errors, Is.Empty);
        var flags = new FlagSource(Sidecar.Daemon.Cli.ConfigurationFlags.Written(result), ConfigurationText.Machine).Read();
        Assert.That(flags.Errors, Is.Empty);

        var named = ListenerNaming.Of(flags.Snapshot!);
        var file = ConfigurationText.Read(SnapshotWriter.Write(named));

        Assert.That(file.Errors, Is.Empty);
        Assert.That(Described(file.Snapshot!), Is.EqualTo(Described(named)));
        Assert.That(named.Listeners.Select(static listener => listener.Name), Is.Unique);
    }

    private static IReadOnlyList<string> Described(ConfigurationSnapshot snapshot) =>
    [
        Sorted(snapshot.Values),
        .. snapshot.Agents.Select(static agent => $"{agent.Id} {string.Join(' ', agent.Endpoints)} {Sorted(agent.Values)}"),
        .. snapshot.Listeners.Select(static one => $"{one.Name} {one.Kind} {one.Proxy} {one.Place} {one.Address} {one.AbstractName} {Sorted(one.Values)}"),
        .. snapshot.Routes.Select(static route => $"{route.Id} {Sorted(route.Values)}"),
    ];

    private static string Sorted(SettingValues values) =>
        string.Join(' ', values.Written.OrderBy(static setting => setting.Key, StringComparer.Ordinal)
            .Select(setting => $"{setting.Key}={string.Join('+', values.PartsOf(setting).Order(StringComparer.Ordinal))}"));
}
