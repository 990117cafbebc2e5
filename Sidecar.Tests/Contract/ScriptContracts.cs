using System.Text.Json.Nodes;
using Sidecar.Tests.FrontEnds.Decide;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Contract;

/// <summary>A script that does as the answer says; it keeps the sidecar's own names out of its question and away from the upstream.</summary>
internal abstract class ScriptContract(JsonHarness harness) : IFrontEnd
{
    public InspectionHarness Daemon => harness.Daemon;

    /// <summary>What it asks.</summary>
    protected static string Question { get; } = Questions.Request(
        headers: string.Join(
            ',', Passage.SentByOthers.Append(("host", "shop.example")).Select(static field => $"""["{field.Item1}","{field.Item2}"]""")));

    public async Task AskAsync(Passage passage)
    {
        var answer = await DecideAsync();
        if (answer["reply"] is JsonObject reply)
        {
            passage.Refuse((int)reply["status"]!, reply["headers"]!.AsArray().Select(static field => ((string)field![0]!, (string)field[1]!)), (string)reply["body"]!);
            return;
        }

        passage.Request.Remove(Passage.Bypassed);
        Apply(answer["request_headers"]!.AsArray(), passage.Request);
        if ((string?)answer["fallback"] == "open")
        {
            passage.Request.Set(Passage.Bypassed, (string)answer["cause"]!);
        }

        Apply(answer["response_headers"]!.AsArray(), passage.Response);
    }

    public ValueTask DisposeAsync() => harness.DisposeAsync();

    /// <summary>Asks.</summary>
    protected abstract Task<JsonNode> DecideAsync();

    /// <summary>Starts what both are asked on.</summary>
    protected static async Task<JsonHarness> ListenAsync(HarnessOptions options, LambdaAgent[] agents)
    {
        var harness = await JsonHarness.StartAsync(options, null, agents);
        await harness.ListenAsync();
        return harness;
    }

    private static void Apply(JsonArray operations, Fields fields)
    {
        foreach (var operation in operations)
        {
            var (name, value) = ((string)operation!["name"]!, (string?)operation["value"]);
            switch ((string?)operation["op"])
            {
                case "remove":
                    fields.Remove(name);
                    break;
                case "set":
                    fields.Set(name, value!);
                    break;
                default:
                    fields.Add(name, value!);
                    break;
            }
        }
    }
}

/// <summary>Over HTTP.</summary>
internal sealed class DecideContract(JsonHarness harness) : ScriptContract(harness)
{
    private readonly string _path = harness.HttpPath;

    public static async Task<IFrontEnd> StartAsync(HarnessOptions options, LambdaAgent[] agents) => new DecideContract(await ListenAsync(options, agents));

    protected override async Task<JsonNode> DecideAsync()
    {
        using var client = UnixHttp.Client(_path);
        using var question = JsonSocketTests.Post("/v1/decide", Question);
        using var answer = await client.SendAsync(question);
        return JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
    }
}

/// <summary>In frames.</summary>
internal sealed class FramesContract(JsonHarness harness) : ScriptContract(harness)
{
    private readonly JsonHarness _harness = harness;

    public static async Task<IFrontEnd> StartAsync(HarnessOptions options, LambdaAgent[] agents) => new FramesContract(await ListenAsync(options, agents));

    protected override async Task<JsonNode> DecideAsync()
    {
        await using var stream = await JsonSocketTests.FramesAsync(_harness);
        await stream.WriteAsync(FramesConnectionTests.Frame(Question, ""));
        return await JsonSocketTests.ReadFrameAsync(stream);
    }
}
