namespace Sidecar.Tests.Support;

/// <summary>One action of an ACK: a variable set or removed; scopes are proc 0, sess 1, txn 2, req 3, res 4.</summary>
internal sealed record SpopAction(bool IsSet, byte Scope, string Name, object? Value);
