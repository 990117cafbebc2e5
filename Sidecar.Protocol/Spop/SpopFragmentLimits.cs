namespace Sidecar.Protocol.Spop;

/// <summary>How much of fragmented messages one connection may keep (proxy integration §1.6).</summary>
public sealed record SpopFragmentLimits
{
    /// <summary>Takes no fragments. Then HAProxy 2.x needs <c>no option send-frag-payload</c>, or it reconnects in a storm.</summary>
    public static SpopFragmentLimits Off { get; } = new() { MaxOpen = 0 };

    /// <summary>
    /// The fragmented messages open at once. HAProxy 2.x finishes or aborts one before it begins the next on a connection; 8 leaves room
    /// for other clients of the protocol.
    /// </summary>
    public int MaxOpen { get; init; } = 8;

    /// <summary>
    /// The bytes of one message. Each of its arguments came out of one buffer of HAProxy, so the largest frame we agree to is plenty.
    /// </summary>
    public int MaxMessageBytes { get; init; } = SpopLimits.MaxFrameSize;

    /// <summary>The bytes of all open messages of one connection: four of the largest.</summary>
    public long MaxTotalBytes { get; init; } = 4L * SpopLimits.MaxFrameSize;
}
