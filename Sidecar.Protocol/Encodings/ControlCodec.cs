using System.Buffers;
using Sidecar.Protocol.Encodings.Codecs;
using Sidecar.Protocol.Encodings.Values;
using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Encodings;

/// <summary>The control messages that are JSON whatever was negotiated (spec §2.2, §6.6, §6.7). Stateless, safe from any thread.</summary>
public static class ControlCodec
{
    /// <summary>Writes a cancel; a reason that nobody knows is taken as manual.</summary>
    public static void WriteCancel(IBufferWriter<byte> output, CancelRequest message)
    {
        var w = new JsonValueWriter(output);
        CancelCodec.Write(ref w, message);
        w.Flush();
    }

    /// <summary>Reads a cancel; a reason that nobody knows is taken as manual.</summary>
    /// <exception cref="ProtocolException">It is no such message, or <c>correlation_id</c> is missing.</exception>
    public static CancelRequest ReadCancel(ReadOnlyMemory<byte> payload)
    {
        try
        {
            var r = new JsonValueReader(payload.Span);
            return CancelCodec.Read(ref r);
        }
        catch (Exception e) when (ProtocolErrors.IsBadInput(e))
        {
            throw ProtocolErrors.Undecodable(nameof(CancelRequest), e);
        }
    }

    /// <summary>Writes a ping or the pong that repeats it.</summary>
    public static void WritePing(IBufferWriter<byte> output, PingMessage message)
    {
        var w = new JsonValueWriter(output);
        PingCodec.Write(ref w, message);
        w.Flush();
    }

    /// <summary>Reads a ping or the pong that repeats it.</summary>
    /// <exception cref="ProtocolException">It is no such message.</exception>
    public static PingMessage ReadPing(ReadOnlyMemory<byte> payload)
    {
        try
        {
            var r = new JsonValueReader(payload.Span);
            return PingCodec.Read(ref r);
        }
        catch (Exception e) when (ProtocolErrors.IsBadInput(e))
        {
            throw ProtocolErrors.Undecodable(nameof(PingMessage), e);
        }
    }
}
