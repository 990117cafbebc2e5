using System.Net;
using System.Text.Json;
using NUnit.Framework;
using Sidecar.Daemon.Cli.Admin;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Control;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Control;

/// <summary>Orders to reload over the admin socket, and what status says of them.</summary>
public sealed class ReloadEndpointTests
{
    private const string DryRun = """{"dry_run":true}""";

    [Test]
    public async Task AReload_IsAnsweredWithWhatHasChanged()
    {
        await using var admin = await StartAsync();
        admin.Source.Write(Now(admin) with { MaxExchanges = 77 }, "line 3: nobody asks bot");

        var tried = await AnswerAsync(admin, HttpStatusCode.OK, DryRun);
        var limit = Now(admin).MaxExchanges;
        var done = await AnswerAsync(admin, HttpStatusCode.OK);
        var again = await AnswerAsync(admin, HttpStatusCode.OK, "{}");

        Assert.That(limit, Is.Not.EqualTo(77), "a dry run");
        Assert.That(Now(admin).MaxExchanges, Is.EqualTo(77));
        Assert.That(Words(tried, "outcome", "cause", "generation", "dry_run"), Is.EqualTo("applied try 1 True"));
        Assert.That(Words(done, "outcome", "cause", "generation", "dry_run"), Is.EqualTo("applied admin 2 False"));
        Assert.That(Words(again, "outcome", "cause", "generation", "dry_run"), Is.EqualTo("unchanged admin 2 False"));
        Assert.That(Words(done, "settings", "warnings", "errors"), Is.EqualTo("""["max-exchanges"] ["line 3: nobody asks bot"] []"""));
        Assert.That(done.GetProperty("agents").GetProperty("unchanged").GetInt32(), Is.EqualTo(1));
        Assert.That(ReloadCommand.Write(Read(done)), Is.EqualTo("""
            model 2 counts from now on
              agents: 1 unchanged
              listeners: 1 unchanged
              routes: 1 unchanged
              settings: changed max-exchanges

            """));
        Assert.That(ReloadCommand.Write(Read(tried)), Does.StartWith("would be applied\n  agents: 1 unchanged\n"));
        Assert.That(ReloadCommand.Write(Read(again)), Is.EqualTo("nothing has changed: model 2 stays\n"));
    }

    [Test]
    public async Task ARefusedReload_IsAConflictWithEveryError_AndStatusSaysSoUntilAGoodOne()
    {
        await using var admin = await StartAsync();
        admin.Source.Break("a.yaml:1:1: one", "a.yaml:2:1: two", "a.yaml:3:1: three");
        var refused = await AnswerAsync(admin, HttpStatusCode.Conflict);
        var status = await admin.JsonAsync("/status");
        admin.Source.Write(Now(admin));
        await AnswerAsync(admin, HttpStatusCode.OK);
        var after = await admin.JsonAsync("/status");

        Assert.That(Words(refused, "outcome", "generation", "errors"), Is.EqualTo("""refused 1 ["a.yaml:1:1: one","a.yaml:2:1: two","a.yaml:3:1: three"]"""));
        Assert.That(refused.TryGetProperty("agents", out _), Is.False);
        Assert.That(status.GetProperty("warnings")[0].GetString(), Does.Match(
            @"^the reload of \S+ \S+ UTC \(admin\) was refused, model 1 stays: a\.yaml:1:1: one \(and 2 more: sidecar reload --dry-run\)$"));
        var configuration = status.GetProperty("configuration");
        Assert.That(Words(configuration, "place", "generation", "is_current", "is_draining"), Is.EqualTo("/memory/sidecar.yaml 1 False False"));
        Assert.That(configuration.GetProperty("last_reload").GetProperty("outcome").GetString(), Is.EqualTo("refused"));
        Assert.That(after.GetProperty("warnings").EnumerateArray().Select(static one => one.GetString()), Has.None.Contains("reload"));
        Assert.That(after.GetProperty("configuration").GetProperty("is_current").GetBoolean(), Is.True);
    }

    [TestCase("{", HttpStatusCode.BadRequest, "the order is not understood (line 1, byte 1): send a JSON object with the field 'dry_run', which is optional, and no other")]
    [TestCase("""{"dryrun":true}""", HttpStatusCode.BadRequest, "the order is not understood (line 1, byte 10): send a JSON object with the field 'dry_run', which is optional, and no other")]
    public async Task AnOrderThatIsNotUnderstood_ReloadsNothing(string body, HttpStatusCode status, string error)
    {
        await using var admin = await StartAsync();
        Assert.That(await admin.SendAsync(HttpMethod.Post, "/v1/reload", body), Is.EqualTo((status, error)));
        Assert.That(admin.Source.Reads, Is.Zero);
    }

    private static async Task<AdminHarness> StartAsync()
    {
        await using var agent = new LambdaAgent("waf") { IsAbsent = true, Policy = LambdaAgent.PolicyOf(FailureMode.Open) };
        return await AdminHarness.StartAsync(agent);
    }

    private static ConfigurationSnapshot Now(AdminHarness admin) => admin.Inside.Daemon.Current.Model.Configuration;

    private static async Task<JsonElement> AnswerAsync(AdminHarness admin, HttpStatusCode expected, string body = "")
    {
        var (status, text) = await admin.SendAsync(HttpMethod.Post, ReloadEndpoint.Path, body);
        Assert.That(status, Is.EqualTo(expected), text);
        return JsonSerializer.Deserialize<JsonElement>(text);
    }

    private static Daemon.Control.Documents.ReloadDocument Read(JsonElement document) => document.Deserialize(AdminJson.Default.ReloadDocument)!;

    private static string Words(JsonElement document, params string[] names) => string.Join(
        ' ', names.Select(name => document.GetProperty(name) is { ValueKind: JsonValueKind.Array } list ? Compact(list) : $"{document.GetProperty(name)}"));

    private static string Compact(JsonElement list) => JsonSerializer.Serialize(list.EnumerateArray().Select(static one => one.GetString()));
}
