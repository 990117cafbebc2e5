using System.Diagnostics;
using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Files;
using Sidecar.Daemon.Configuration.Settings;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Configuration.Files;

/// <summary>Files with what they include, and what the environment and the command line say in place of it.</summary>
internal sealed class FileSourceTests
{
    private TempDirectory _directory = null!;

    private string Main => _directory.File("sidecar.yaml");

    [SetUp]
    public void MakeDirectory() => _directory = new TempDirectory();

    [TearDown]
    public void RemoveDirectory() => _directory.Dispose();

    [Test]
    public void IncludedFiles_AreReadInOrder_RelativeToThemselves()
    {
        Write("sidecar.yaml", ConfigurationText.Good + "include: [conf.d/*.yaml, more.yaml]\nroutes: [{name: first, match: {host: a.example}, inspect: waf}]");
        Write("conf.d/20.yaml", "routes: [{name: third, match: {host: c.example}, inspect: bot}]");
        Write("conf.d/10.yaml", "version: 1\nagents: {bot: {at: bot.sock}}\nroutes: [{name: second, match: {host: b.example}, inspect: bot}]");
        Write("conf.d/readme.txt", "no YAML: [");
        Write("conf.d/.#20.yaml", "no YAML: [");
        Write("more.yaml", "listeners: {m: {for: json, socket: m.sock}}");

        var source = Source();
        var reading = source.Read();

        Assert.That((reading.Errors, reading.Warnings), Is.EqualTo((Array.Empty<string>(), Array.Empty<string>())));
        Assert.That(reading.Snapshot!.Routes.Select(static route => route.Id), Is.EqualTo(new[] { "first", "second", "third" }));
        Assert.That(reading.Snapshot.Agents[1].Endpoints[0].SocketPath, Is.EqualTo(_directory.File("conf.d/bot.sock")));
        Assert.That(reading.Snapshot.Listeners[1].Path, Is.EqualTo(_directory.File("m.sock")));
        string[] files = [Main, _directory.File("conf.d/10.yaml"), _directory.File("conf.d/20.yaml"), _directory.File("more.yaml")];
        Assert.That(reading.Files, Is.EqualTo(files));
        Assert.That(source.Files, Is.EqualTo(files.Concat([_directory.File("conf.d"), _directory.FullPath])));
    }

    [Test]
    public void MistakesOfSeveralFiles_HaveEachItsFile()
    {
        Write("sidecar.yaml", ConfigurationText.Good + "include: conf.d/*.yaml\nlimits: {exchanges: x}");
        Write("conf.d/a.yaml", "limits: {exchanges: 1}\nagents: {waf: {at: /x}}");
        Write("conf.d/b.yaml", "agents: [");

        var errors = Source().Read().Errors;

        var other = _directory.File("conf.d/a.yaml");
        Assert.That(errors, Has.Count.EqualTo(4));
        Assert.That(errors[0], Does.StartWith($"{Main}:5:21: limits.exchanges: x is not a whole number"));
        Assert.That(errors[1], Does.StartWith($"{other}:1:1: 'limits' is none of the keys here; they are listeners, agents, routes, version"));
        Assert.That(errors[2], Is.EqualTo($"{other}:2:10: agent waf is given twice, in this file and in another: leave one out"));
        Assert.That(errors[3], Does.StartWith(_directory.File("conf.d/b.yaml") + ":"));
    }

    [TestCase("none.d/*.yaml", "/none.d")]
    [TestCase("*.yml", "include: *.yml matches no file")]
    public void PatternWithoutMatch_IsAWarning(string pattern, string expected)
    {
        Write("sidecar.yaml", ConfigurationText.Good + $"include: ['{pattern}']");
        var reading = Source().Read();
        Assert.That((reading.Errors.Count, reading.Warnings.Count), Is.EqualTo((0, 1)));
        Assert.That(reading.Warnings[0], Does.StartWith($"{Main}:4:11: warning: include: ").And.Contain(expected));
    }

    [TestCase("nope.yaml", "there is no file ")]
    [TestCase("*/x.yaml", "include: */x.yaml: '*' may stand in the file's name only")]
    [TestCase("many/*", "include: 257 files are included; 256 may be")]
    public void WhatCannotBeIncluded_IsAnError(string pattern, string expected)
    {
        Write("sidecar.yaml", ConfigurationText.Good + $"include: '{pattern}'");
        for (var i = 0; i < 257; i++)
        {
            Write($"many/{i}", "version: 1");
        }

        Assert.That(Source().Read().Errors.Single(), Does.Contain(expected));
    }

    // Who may write one of these need not be an operator, or an agent.
    [TestCase("admin")]
    [TestCase("reverse")]
    public void IncludedFile_BringsNoListenerThatGivesRights(string kind)
    {
        Write("sidecar.yaml", ConfigurationText.Good + "include: more.yaml");
        Write("more.yaml", $"listeners: {{m: {{for: {kind}, socket: m.sock}}}}");
        Assert.That(Source().Read().Errors.Single(), Does.Contain("more.yaml:1:13: listener m: one for operators (admin) or for agents that dial in"));
    }

    [Test]
    public async Task IncludedPipe_IsRefused_AndNobodyWaitsForIt()
    {
        Write("sidecar.yaml", ConfigurationText.Good + "include: conf.d/*");
        Directory.CreateDirectory(_directory.File("conf.d"));
        using var made = Process.Start("mkfifo", [_directory.File("conf.d/pipe")]);
        await made.WaitForExitAsync();
        var reading = await Task.Run(() => Source().Read()).WaitAsync(TimeSpan.FromSeconds(60), TimeProvider.System);
        Assert.That(reading.Errors.Single(), Does.Contain($"include: {_directory.File("conf.d/pipe")} is a pipe, a device or a socket"));
    }

    // From the disk and from what was kept of it the same files are taken.
    [TestCase("*.*", "a.yaml")]
    [TestCase("a?.yaml", "")]
    [TestCase("A.yaml", "")]
    [TestCase("*", "a.yaml+b")]
    public void Pattern_MeansTheSameWhereverItIsLookedFor(string pattern, string expected)
    {
        string[] names = ["a.yaml", "b", ".a.yaml"];
        var texts = names.Select(name => new FileText(_directory.File($"conf.d/{name}"), "")).ToList();
        texts.ForEach(text => Write(Path.GetRelativePath(_directory.FullPath, text.Path), ""));
        var folder = _directory.File("conf.d");
        foreach (var places in (IFileTexts[])[DiskTexts.All, new KeptTexts(texts)])
        {
            var found = places.Find(folder, pattern).Select(Path.GetFileName);
            Assert.That(found, Is.EquivalentTo(expected.Split('+', StringSplitOptions.RemoveEmptyEntries)));
        }
    }

    [Test]
    public void IncludedFile_IncludesNoOthers()
    {
        Write("sidecar.yaml", ConfigurationText.Good + "include: more.yaml");
        Write("more.yaml", "include: sidecar.yaml");
        Assert.That(Source().Read().Errors.Single(), Does.Contain("more.yaml:1:1: 'include' is none of the keys here"));
    }

    [Test]
    public void AbsentFile_IsOneClearLine()
    {
        var reading = Source().Read();
        Assert.That(reading.Errors, Is.EqualTo(new[] { $"there is no file {Main}; 'sidecar config example' prints one to begin with" }));
        Assert.That(new FileSource(_directory.FullPath, new(), ConfigurationText.Machine).Read().Errors.Single(), Does.EndWith("is a directory; name a file"));
    }

    [Test]
    public void Flags_GoBeforeTheEnvironment_AndThatBeforeTheFile()
    {
        Write("sidecar.yaml", ConfigurationText.Good + "defaults: {timeout: 10ms, body_timeout: 10ms, pool: {queue: 1}, event_timeout: {guardrail: 1s, request_body: 1s}}");
        var machine = ConfigurationText.Machine with
        {
            Variable = static name => name switch { "SIDECAR_TIMEOUT" => "20ms", "SIDECAR_BODY_TIMEOUT" => "20ms", _ => null },
        };
        var flags = new WrittenFlags { Settings = [(CallSettings.HeaderTimeout, "30ms"), (CallSettings.EventTimeouts, "guardrail:3s")] };

        var reading = Source(flags, machine).Read();

        var values = reading.Snapshot!.Values;
        Assert.That(
            (values.Get(CallSettings.HeaderTimeout).TotalMilliseconds, values.Get(CallSettings.BodyTimeout).TotalMilliseconds, values.Get(CallSettings.Queue)),
            Is.EqualTo((30d, 20d, 1)));
        Assert.That(CallSettings.EventTimeouts.Write(values.Get(CallSettings.EventTimeouts)), Is.EqualTo("request-body:1s+guardrail:3s"));
        string? From(Setting setting) => reading.Origins!.TextOf(Subject.Daemon, setting);
        Assert.That(
            (From(CallSettings.HeaderTimeout), From(CallSettings.BodyTimeout), From(CallSettings.Queue)),
            Is.EqualTo(("--timeout", "SIDECAR_BODY_TIMEOUT", $"{Main}:4:61")));
    }

    [Test]
    public void BadEnvironment_IsAnErrorWithTheVariablesName()
    {
        Write("sidecar.yaml", ConfigurationText.Good);
        var machine = ConfigurationText.Machine with { Variable = static name => name == "SIDECAR_QUEUE" ? "many" : null };
        Assert.That(Source(new(), machine).Read().Errors.Single(), Is.EqualTo("SIDECAR_QUEUE: many is not a whole number; give 0 to 65536 calls"));
    }

    [Test]
    public void ThingsOfFlags_MergeByName()
    {
        Write("sidecar.yaml", """
            version: 1
            listeners: {n: {for: native, socket: /run/n.sock, max_connections: 7}}
            agents: {waf: {at: /run/waf.sock, timeout: 10ms, mode: monitor}}
            routes: [{name: a, match: {host: a.example}, inspect: waf, priority: critical}, {name: rest, match: any, inspect: waf}]
            """);
        var flags = new WrittenFlags
        {
            Agents = ["waf=/run/other.sock,mode=enforce", "bot=/run/bot.sock"],
            Listeners = ["native=/run/n.sock,mode=0600", "admin=/run/a.sock"],
            Routes = ["a,host=b.example,agents=bot", "new,path=/new,agents=bot"],
        };

        var snapshot = Source(flags).Read().Snapshot!;

        Assert.That(snapshot.Agents.Select(static agent => agent.Id), Is.EqualTo(new[] { "waf", "bot" }));
        Assert.That(
            (snapshot.Agents[0].Endpoints[0].SocketPath, snapshot.Agents[0].Mode, snapshot.Agents[0].Get(CallSettings.HeaderTimeout).TotalMilliseconds),
            Is.EqualTo(("/run/other.sock", AgentMode.Enforce, 10d)));
        Assert.That(snapshot.Listeners.Select(static listener => listener.Name), Is.EqualTo(new[] { "n", "admin:a.sock" }));
        Assert.That((snapshot.Listeners[0].MaxConnections, snapshot.Listeners[0].Mode), Is.EqualTo((7, UnixFileMode.UserRead | UnixFileMode.UserWrite)));
        Assert.That(snapshot.Routes.Select(static route => route.Id), Is.EqualTo(new[] { "new", "a", "rest" }), "a new one before those that take everything");
        Assert.That((snapshot.Routes[1].Hosts, snapshot.Routes[1].Priority), Is.EqualTo((new[] { "b.example" }, Priority.Critical)));
    }

    [TestCase(null, null, false, false, "the command line")]
    [TestCase(null, null, true, false, "/etc/sidecar/sidecar.yaml")]
    [TestCase(null, null, true, true, "the command line")]
    [TestCase(null, "/env.yaml", true, true, "/env.yaml")]
    [TestCase("/flag.yaml", "/env.yaml", true, true, "/flag.yaml")]
    public void File_IsTheOneNamed_OrTheUsualOneWhereFlagsSayNothing(string? flag, string? variable, bool exists, bool says, string expected)
    {
        var machine = ConfigurationText.Machine with { Variable = name => name == "SIDECAR_CONFIG" ? variable : null, FileExists = _ => exists };
        var flags = new WrittenFlags { Agents = says ? ["waf=/w"] : [] };
        Assert.That(FileSource.Choose(flag, flags, machine).Place, Is.EqualTo(expected));
    }

    [Test]
    public void CommandLine_IsReadAsASource()
    {
        var source = new FlagSource(new WrittenFlags { Agents = ["waf=/run/w.sock"], Listeners = ["native=/run/n.sock"] }, ConfigurationText.Machine);
        Assert.That((source.Files.Count, source.Read().Snapshot!.Agents[0].Id), Is.EqualTo((0, "waf")));
        Assert.That(new FlagSource(new WrittenFlags { Agents = ["waf"] }, ConfigurationText.Machine).Read().Errors, Has.Exactly(1).StartsWith("--agent waf: write id=endpoint"));
    }

    private FileSource Source(WrittenFlags? flags = null, Surroundings? machine = null) => new(Main, flags ?? new(), machine ?? ConfigurationText.Machine);

    private void Write(string name, string text)
    {
        var path = _directory.File(name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }
}
