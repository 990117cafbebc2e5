namespace Sidecar.Protocol.Messages;

/// <summary>What one agent said about one event (spec §4.10).</summary>
public abstract record Decision
{
    private protected Decision()
    {
    }

    /// <summary>The request may pass.</summary>
    public static AllowDecision Allow { get; } = new();
}

/// <summary>The request may pass.</summary>
public sealed record AllowDecision : Decision;

/// <summary>Answer the client with this instead.</summary>
/// <param name="Status">HTTP status, 100–599.</param>
/// <param name="Body">The body, or null for the default page.</param>
/// <param name="Headers">Headers of the answer, or null for none.</param>
public sealed record BlockDecision(ushort Status = 403, string? Body = null, IReadOnlyDictionary<string, string>? Headers = null)
    : Decision;

/// <summary>Send the client elsewhere.</summary>
/// <param name="Url">The target.</param>
/// <param name="Status">301, 302, 303, 307 or 308.</param>
public sealed record RedirectDecision(string Url, ushort Status = 302) : Decision;

/// <summary>Make the client prove something first.</summary>
/// <param name="ChallengeType">For example <c>captcha</c>, <c>js</c>, <c>basic</c>.</param>
/// <param name="Parameters">What the challenge needs.</param>
public sealed record ChallengeDecision(string ChallengeType, IReadOnlyDictionary<string, string> Parameters) : Decision;

/// <summary>What to do with a header (spec §4.10).</summary>
public enum HeaderOperationKind : byte
{
    /// <summary>Replace all values.</summary>
    Set,

    /// <summary>Append a value.</summary>
    Add,

    /// <summary>Delete all values.</summary>
    Remove,
}

/// <summary>One change of a header. Names compare without case.</summary>
/// <param name="Kind">What to do.</param>
/// <param name="Name">The header's name as the agent wrote it.</param>
/// <param name="Value">The value; empty for <see cref="HeaderOperationKind.Remove"/>.</param>
public readonly record struct HeaderOperation(HeaderOperationKind Kind, string Name, string Value)
{
    /// <summary>Replaces all values of a header.</summary>
    public static HeaderOperation Set(string name, string value) => new(HeaderOperationKind.Set, name, value);

    /// <summary>Appends a value to a header.</summary>
    public static HeaderOperation Add(string name, string value) => new(HeaderOperationKind.Add, name, value);

    /// <summary>Deletes all values of a header.</summary>
    public static HeaderOperation Remove(string name) => new(HeaderOperationKind.Remove, name, "");
}
