namespace Sidecar.Daemon.Inspection;

/// <summary>The net effect of all operations of all agents on one header.</summary>
/// <param name="Name">The header's name in lower case.</param>
/// <param name="KeepOriginal">Whether the values that came with the message stay.</param>
/// <param name="Values">Values to append, in order. None, with the original not kept, removes the header.</param>
internal sealed record HeaderEdit(string Name, bool KeepOriginal, IReadOnlyList<string> Values);
