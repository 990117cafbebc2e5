namespace Sidecar.Tests.Contract;

/// <summary>One request on its way through a proxy that does as its front end tells it: what the upstream gets of it, and the client.</summary>
internal sealed class Passage
{
    /// <summary>The mark by which the upstream learns that an agent was passed by.</summary>
    public const string Bypassed = "x-sidecar-bypassed";

    private const string Own = "x-sidecar-";

    // Of the connection between the sidecar and its proxy, or of the server that wrote the answer.
    private static readonly string[] OfTheAnswer = ["connection", "content-length", "date", "transfer-encoding"];

    private string? _refusal;

    /// <summary>What the client sends, the front end's own business aside: among it a mark of ours that is forged.</summary>
    public static IReadOnlyList<(string Name, string Value)> Sent { get; } = [("x-debug", "1"), ("x-secret", "s"), ("x-tag", "a"), (Bypassed, "forged")];

    /// <summary>The same without the names of ours, for those whose ready script or configuration takes them out of the question.</summary>
    public static IReadOnlyList<(string Name, string Value)> SentByOthers { get; } = [.. Sent.Where(static field => field.Name != Bypassed)];

    /// <summary>What the upstream answers.</summary>
    public static IReadOnlyList<(string Name, string Value)> Answered { get; } = [("server", "up"), ("x-frame-options", "SAMEORIGIN"), ("x-served-by", "up")];

    /// <summary>What the upstream gets.</summary>
    public Fields Request { get; } = new(Sent);

    /// <summary>What the client gets of the upstream's answer.</summary>
    public Fields Response { get; } = new(Answered);

    /// <summary>The request does not go on: the client gets this instead.</summary>
    public void Refuse(int status, IEnumerable<(string Name, string Value)> headers, string body)
    {
        var told = headers.Where(static field => !field.Name.StartsWith(Own, StringComparison.OrdinalIgnoreCase)
            && !OfTheAnswer.Contains(field.Name, StringComparer.OrdinalIgnoreCase));
        _refusal = $"{status} {new Fields(told)} | {body.TrimEnd()}";
    }

    /// <summary>What has become of it.</summary>
    public Effect Effect(string ledger, string unapplied) => _refusal is null
        ? new Effect($"200 {Response}", Request.ToString(), ledger, unapplied)
        : new Effect(_refusal, Contract.Effect.Nothing, ledger, unapplied);
}
