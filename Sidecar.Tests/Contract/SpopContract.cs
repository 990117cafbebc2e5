using Sidecar.Tests.FrontEnds.Spop;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Contract;

/// <summary>HAProxy with the ready configuration, whose Lua carries out the variables of an answer.</summary>
internal sealed class SpopContract(SpopHarness harness) : IFrontEnd
{
    public InspectionHarness Daemon => harness.Inspection;

    public static async Task<IFrontEnd> StartAsync(HarnessOptions options, LambdaAgent[] agents) =>
        new SpopContract(await SpopHarness.StartAsync(SpopHarness.DefaultOptions, options, agents));

    public async Task AskAsync(Passage passage)
    {
        var peer = await harness.GreetAsync();
        var answer = await peer.AskAsync(SpopAsk.Request(headers: [.. Passage.Sent]));
        if ((string?)answer["act"] != "allow")
        {
            passage.Refuse((int)(uint)answer["status"]!, [.. Singles(answer), .. Lines(answer, "hdrs")], (string?)answer.GetValueOrDefault("body") ?? "");
            return;
        }

        passage.Request.Remove(Passage.Bypassed);
        Apply(answer, "rq", passage.Request);
        if (answer.TryGetValue("cause", out var cause))
        {
            passage.Request.Set(Passage.Bypassed, (string)cause!);
        }

        Apply(answer, "rs", passage.Response);
    }

    public ValueTask DisposeAsync() => harness.DisposeAsync();

    private static void Apply(Dictionary<string, object?> answer, string lists, Fields fields)
    {
        foreach (var name in Names(answer, lists + "_del"))
        {
            fields.Remove(name);
        }

        foreach (var (name, value) in Lines(answer, lists + "_set"))
        {
            fields.Set(name, value);
        }

        foreach (var (name, value) in Lines(answer, lists + "_add"))
        {
            fields.Add(name, value);
        }
    }

    private static IEnumerable<(string Name, string Value)> Singles(Dictionary<string, object?> answer)
    {
        foreach (var (variable, name) in ((string, string)[])[("ctype", "content-type"), ("loc", "location"), ("chal", "www-authenticate")])
        {
            if (answer.TryGetValue(variable, out var value))
            {
                yield return (name, (string)value!);
            }
        }
    }

    private static IEnumerable<string> Names(Dictionary<string, object?> answer, string variable)
    {
        for (var list = ListOf(answer, variable); !list.End && list.ReadString() is { Length: > 0 } name;)
        {
            yield return name;
        }
    }

    private static IEnumerable<(string Name, string Value)> Lines(Dictionary<string, object?> answer, string variable)
    {
        for (var list = ListOf(answer, variable); !list.End && list.ReadString() is { Length: > 0 } name;)
        {
            yield return (name, list.ReadString());
        }
    }

    private static SpopBytes ListOf(Dictionary<string, object?> answer, string variable) => new((byte[]?)answer.GetValueOrDefault(variable) ?? []);
}
