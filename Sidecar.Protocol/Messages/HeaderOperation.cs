namespace Sidecar.Protocol.Messages;

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
