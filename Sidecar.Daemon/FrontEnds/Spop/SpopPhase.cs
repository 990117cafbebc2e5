namespace Sidecar.Daemon.FrontEnds.Spop;

/// <summary>What a NOTIFY asks about, chosen by the name of its <c>spoe-message</c> section.</summary>
internal enum SpopPhase
{
    /// <summary>Nothing we know.</summary>
    None,

    /// <summary><c>sidecar-request</c>: a request with as much of its body as HAProxy holds; <c>sidecar-request-head</c>: without its body.</summary>
    Request,

    /// <summary><c>sidecar-response</c> and <c>sidecar-response-head</c>, likewise.</summary>
    Response,
}

/// <summary>Names of messages.</summary>
internal static class SpopPhases
{
    /// <summary>The phase that a message's name stands for.</summary>
    public static SpopPhase Of(ReadOnlySpan<byte> message) =>
        message.SequenceEqual("sidecar-request"u8) || message.SequenceEqual("sidecar-request-head"u8) ? SpopPhase.Request
        : message.SequenceEqual("sidecar-response"u8) || message.SequenceEqual("sidecar-response-head"u8) ? SpopPhase.Response
        : SpopPhase.None;
}
