namespace Sidecar.Protocol.Spop;

/// <summary>What was wrong with a peer's input: the status for the DISCONNECT, and a text with the value seen and the limit.</summary>
/// <param name="Status">Never <see cref="SpopStatus.Normal"/> for an error that was reported.</param>
/// <param name="Message">ASCII, our own words and numbers only, so that it can go into a log and onto the wire.</param>
public readonly record struct SpopError(SpopStatus Status, string Message)
{
    /// <summary>An error of the format.</summary>
    internal static SpopError Invalid(string message) => new(SpopStatus.InvalidFrame, message);
}
