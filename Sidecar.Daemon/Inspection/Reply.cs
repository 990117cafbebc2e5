namespace Sidecar.Daemon.Inspection;

/// <summary>A complete answer to the client, ready to be sent as it is. Immutable.</summary>
/// <param name="Status">HTTP status, 200 to 599.</param>
/// <param name="Headers">Names in lower case with values; none that frames the message or belongs to a connection.</param>
/// <param name="Body">The body, possibly empty.</param>
internal sealed record Reply(int Status, IReadOnlyList<KeyValuePair<string, string>> Headers, ReadOnlyMemory<byte> Body);
