namespace Sidecar.Protocol.Spop;

/// <summary>What HAProxy offers when it opens a connection: the payload of HAPROXY-HELLO (proxy integration §1.5).</summary>
public sealed record SpopHello
{
    private const int MaxEngineId = 64;

    private SpopHello()
    {
    }

    /// <summary>The largest frame HAProxy takes, in bytes; at least <see cref="SpopLimits.MinFrameSize"/>.</summary>
    public required ulong MaxFrameSize { get; init; }

    /// <summary>What HAProxy can do; empty in a health check.</summary>
    public required SpopCapabilities Capabilities { get; init; }

    /// <summary>For logs: a worker thread in 2.x, an engine from 3.1 on; empty if not sent. At most 64 printable characters.</summary>
    public required string EngineId { get; init; }

    /// <summary>Whether HAProxy only wants to see an answer; we may close right after it.</summary>
    public required bool IsHealthCheck { get; init; }

    /// <summary>Reads the payload of a HAPROXY-HELLO. Unknown keys are ignored; of a key sent twice the last counts.</summary>
    /// <param name="payload">The whole payload.</param>
    /// <param name="hello">The offer, one that we can accept.</param>
    /// <param name="error">Why there is none: one of the statuses 4 to 9.</param>
    public static bool TryRead(ReadOnlySpan<byte> payload, out SpopHello? hello, out SpopError error)
    {
        hello = null;
        var items = new HelloItems();
        var reader = new SpopReader(payload);
        while (!reader.End)
        {
            if (!reader.TryReadString(out var key) || !reader.TryReadValue(out var value))
            {
                return reader.Fails("an item of HAPROXY-HELLO", out error);
            }

            if (!items.TryTake(key, value, out error))
            {
                return false;
            }
        }

        if (!items.AreComplete(out error))
        {
            return false;
        }

        hello = new SpopHello
        {
            MaxFrameSize = items.MaxFrameSize,
            Capabilities = items.Capabilities,
            EngineId = SpopText.Printable(items.EngineId, MaxEngineId),
            IsHealthCheck = items.IsHealthCheck,
        };
        return true;
    }

    /// <summary>Our answer: the size offered, because 2.6 loses requests to a smaller one, and our capabilities.</summary>
    /// <param name="maxFrameSize">The most we take, in bytes; <see cref="SpopLimits.MaxFrameSize"/> unless an operator wants less.</param>
    /// <param name="fragments">
    /// Whether fragments are reassembled. Announced whether or not HAProxy announces it, because the capability is that of the receiver.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">The size is outside what SPOP and this codec allow.</exception>
    public SpopTerms Accept(int maxFrameSize, bool fragments)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxFrameSize, SpopLimits.MinFrameSize);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxFrameSize, SpopLimits.MaxFrameSize);
        return new(
            (int)Math.Min(MaxFrameSize, (ulong)maxFrameSize),
            (Capabilities & SpopCapabilities.Pipelining) | (fragments ? SpopCapabilities.Fragmentation : SpopCapabilities.None));
    }
}
