using System.Buffers;
using NUnit.Framework;
using Sidecar.Protocol.Spop;

namespace Sidecar.Tests.Spop;

/// <summary>Bytes as frames, for tests of what comes after the scanner.</summary>
internal static class Scan
{
    /// <summary>The one frame that the bytes are.</summary>
    public static SpopFrame One(byte[] bytes)
    {
        var buffer = new ReadOnlySequence<byte>(bytes);
        var status = SpopFrameScanner.TryRead(ref buffer, SpopLimits.MaxFrameSize, out var frame, out var error);
        Assert.That(status, Is.EqualTo(SpopScanStatus.Frame), error.Message);
        Assert.That(buffer.IsEmpty, Is.True);
        return frame;
    }

    /// <summary>Its payload.</summary>
    public static byte[] Payload(byte[] bytes) => One(bytes).Payload.ToArray();
}
