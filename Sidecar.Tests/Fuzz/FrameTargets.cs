using System.Buffers;
using Sidecar.Protocol.Dialects;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Encodings.Protobuf;
using Sidecar.Protocol.Encodings.Values;
using Sidecar.Protocol.Framing;
using Sidecar.Protocol.Grpc;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;
using Sidecar.Tests.Encodings;
using Sidecar.Tests.Support;
using static Sidecar.Tests.Fuzz.FuzzTarget;

namespace Sidecar.Tests.Fuzz;

/// <summary>How messages follow each other on a stream, and what they are made of.</summary>
internal static class FrameTargets
{
    private const uint MaxLength = 64 * 1024;

    public static IEnumerable<FuzzTarget> All =>
    [
        new("frames.native", input => Stream(input, FrameFormat.Native, NativeMessage),
            [Frames(FrameFormat.Native, [.. GoldenFrame.All.Select(static f => (f.Type, f.Payload))])]) { Repair = RepairNative },
        new("frames.native-opening", Opening, [.. GoldenFrame.All.Where(static f => f.Type == MessageType.HandshakeRequest)
            .Select(static f => Frames(FrameFormat.Native, [(f.Type, f.Payload)]))]) { Repair = RepairNative },
        new("frames.grpc-proxy", static input => Stream(input, GrpcDialect.Instance.ProxyFormat, GrpcToProxy),
            [Frames(GrpcDialect.Instance.ProxyFormat, [.. FromAgent()])]) { Repair = RepairGrpc },
        new("frames.grpc-agent", static input => Stream(input, GrpcDialect.Instance.AgentFormat, GrpcToAgent),
            [Frames(GrpcDialect.Instance.AgentFormat, [.. FromProxy()])]) { Repair = RepairGrpc },
        new("grpc.messages", static input => Stories(input, GrpcStory),
            [[0, 0, 0, 0, 2, 10, 0, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0]]) { Repair = RepairGrpc },
        new("msgpack.any", AnyMessagePack, [.. MessagePackSuite.Load().SelectMany(static one => one.Encodings)]),
    ];

    // The same from any fragmentation, and of less the beginning: whatever has not come yet changes nothing that came.
    private static string Stories(byte[] input, Func<ReadOnlySequence<byte>, (string Story, bool IsOpen)> read)
    {
        var (whole, isOpen) = read(new ReadOnlySequence<byte>(input));
        var seed = input.Length + (input.Length > 0 ? input[^1] : 0);
        foreach (var (name, cut) in Fragmentation.Random(input, seed, 2))
        {
            Require(read(cut).Story == whole, $"read otherwise when {name}");
        }

        var (part, isPartOpen) = read(new ReadOnlySequence<byte>(input.AsMemory(0, new Random(seed).Next(input.Length + 1))));
        Require(isPartOpen ? whole.StartsWith(part, StringComparison.Ordinal) : whole == part,
            $"of a part '{part}' is read, of the whole '{whole}'");
        return isOpen ? $"{(whole.Length > 0 ? "frames" : "refused: less than a frame")}"
            : "refused: " + whole[(whole.LastIndexOf(' ') + 1)..];
    }

    private static string Stream(byte[] input, FrameFormat format, Func<MessageType, byte[], string> read)
    {
        Stories(input, buffer => Scan(buffer, format, static (_, payload) => $"{payload.Length}"));
        return string.Join(' ', Scan(new ReadOnlySequence<byte>(input), format, read).Story.Split(' ').Distinct().Take(4));
    }

    private static (string Story, bool IsOpen) Scan(ReadOnlySequence<byte> buffer, FrameFormat format, Func<MessageType, byte[],
        string> read)
    {
        var story = new System.Text.StringBuilder();
        while (true)
        {
            var before = buffer.Length;
            var status = format.TryRead(ref buffer, MaxLength, out var frame, out var length);
            if (status != FrameScanStatus.Frame)
            {
                Require(buffer.Length == before, $"{status}, and yet bytes are gone");
                story.Append(status == FrameScanStatus.NeedMore ? "" : $" {status}");
                return (story.ToString(), status == FrameScanStatus.NeedMore);
            }

            Require(before - buffer.Length == frame.Payload.Length + format.HeaderSize && length == frame.Payload.Length + 1,
                "a frame of another length than it has");
            story.Append($" {frame.Type:x2}:").Append(read((MessageType)frame.Type, frame.Payload.ToArray()));
        }
    }

    private static (string Story, bool IsOpen) GrpcStory(ReadOnlySequence<byte> buffer)
    {
        var story = "";
        while (true)
        {
            var before = buffer.Length;
            var status = GrpcMessageScanner.TryRead(ref buffer, (int)MaxLength, out var message, out _);
            if (status != GrpcScanStatus.Message)
            {
                Require(buffer.Length == before, $"{status}, and yet bytes are gone");
                return (story + (status == GrpcScanStatus.NeedMore ? "" : $" {status}"), status == GrpcScanStatus.NeedMore);
            }

            story += $" {message.Length}";
        }
    }

    private static string NativeMessage(MessageType type, byte[] payload) =>
        TryRead(bytes => AnyMessage.Read(payload.Length > 0 && payload[0] < 0x7B ? MessageEncodings.Json : MessageEncodings.MessagePack,
            type, registration: false, bytes), payload, out _) is null ? "read" : "bad";

    // What the frame is called is what its reader finds in it, or the reader refuses it: the two look at the same bytes.
    private static string GrpcToProxy(MessageType type, byte[] payload) => Checked(type switch
    {
        MessageType.HandshakeResponse => TryRead(GrpcDialect.Instance.ReadResponse, payload, out _),
        MessageType.AgentResponse => TryRead(ProtobufEncoding.OfProxy.ReadResponse, payload, out _),
        MessageType.HealthStatus => TryRead(ProtobufEncoding.OfProxy.ReadHealth, payload, out _),
        MessageType.MetricsReport => TryRead(ProtobufEncoding.OfProxy.ReadMetrics, payload, out _),
        MessageType.ConfigUpdateRequest => TryRead(ProtobufEncoding.OfProxy.ReadConfigUpdate, payload, out _),
        MessageType.FlowControl => TryRead(ProtobufEncoding.OfProxy.ReadFlowControl, payload, out _),
        MessageType.Log => TryRead(ProtobufEncoding.OfProxy.ReadLog, payload, out _),
        _ => null,
    });

    private static string GrpcToAgent(MessageType type, byte[] payload) => Checked(type switch
    {
        MessageType.HandshakeRequest => TryRead(GrpcDialect.Instance.ReadRequest, payload, out _),
        MessageType.Cancel => TryRead(GrpcDialect.Instance.ReadCancel, payload, out _),
        MessageType.Ping => TryRead(bytes => Written<byte>((output, _) => GrpcDialect.Instance.WritePong(output, bytes, 1), 0), payload,
            out _),
        >= MessageType.RequestHeaders and <= MessageType.Configure =>
            TryRead(bytes => ProtobufEncoding.OfAgent.ReadEvent(type, bytes), payload, out var message)
            ?? (message!.Type == type ? null : throw new FuzzException($"a frame of type {type} holds a {message.Type}")),
        _ => null,
    });

    private static string Checked(string? refused)
    {
        Require(refused?.Contains("holds", StringComparison.Ordinal) != true,
            $"the frame names a member that its reader does not find: {refused}");
        return refused is null ? "read" : "bad";
    }

    private static string Opening(byte[] input)
    {
        var read = OpeningFrame.ReadAsync(new MemoryStream(input), (int)MaxLength, CancellationToken.None);
        Require(read.IsCompleted, "it waits although the stream has ended");
        var frame = read.GetAwaiter().GetResult();
        return frame.End == FrameConnectionEnd.None ? NativeMessage(frame.Type, frame.Payload.ToArray()) : $"refused: {frame.End}";
    }

    // Extensions and keys of other kinds are stepped over, but read by nobody.
    private static string AnyMessagePack(byte[] input)
    {
        var error = TryRead(static bytes => Bytes.Skip(bytes), input, out var skipped);
        if (TryRead(static bytes => ReadJson(bytes), input, out var left) is { } unread)
        {
            return Refused(error ?? unread);
        }

        Require(error is null && skipped == left, $"{skipped} bytes are left by skipping, {left} by reading: {error}");
        return "read";
    }

    private static int ReadJson(ReadOnlyMemory<byte> input)
    {
        Bytes.Read(input, static (ref MessagePackValueReader r) => r.ReadJson(), out var left);
        return left;
    }

    private static byte[] Frames(FrameFormat format, (MessageType Type, byte[] Payload)[] frames)
    {
        var all = new List<byte>();
        var header = new byte[format.HeaderSize];
        foreach (var (type, payload) in frames)
        {
            format.WriteHeader(header, (byte)type, payload.Length);
            all.AddRange([.. header, .. payload]);
        }

        return [.. all.Take(16 * 1024)];
    }

    private static IEnumerable<(MessageType Type, byte[] Payload)> FromAgent() =>
        Decoded(static message => message is not (AgentEvent or HandshakeRequest or CancelRequest or PingMessage)).Select(static message =>
            message is HandshakeResponse response ? Written(GrpcDialect.Instance.WriteResponse, response)
                : AnyMessage.Write(ProtobufEncoding.OfAgent, message)).Select(static payload => (MessageType.None, payload));

    private static IEnumerable<(MessageType Type, byte[] Payload)> FromProxy() =>
        Decoded(static message => message is AgentEvent).Select(static message =>
            (MessageType.None, AnyMessage.Write(ProtobufEncoding.OfProxy, message)))
            .Append((MessageType.None, Written(GrpcDialect.Instance.WriteRequest, new HandshakeRequest { SupportedVersions = [2] })))
            .Append((MessageType.None, Written(GrpcDialect.Instance.WriteCancel,
                new CancelRequest(TypicalMessages.Id, CancelReason.Manual, 1))))
            .Append((MessageType.None, Written(GrpcDialect.Instance.WritePing, new PingMessage(1, 2))));

    private static IEnumerable<object> Decoded(Func<object, bool> which) => GoldenFrame.All
        .Where(static frame => !frame.IsRegistration && frame.Type is not (MessageType.AgentResponse or MessageType.Pong))
        .Select(AnyMessage.Read).Where(which).DistinctBy(static message => message.GetType());

    private static void RepairNative(byte[] input) => RepairLengths(input, lengthAt: 0, headerSize: FrameLimits.LengthSize);

    private static void RepairGrpc(byte[] input) => RepairLengths(input, lengthAt: 1, headerSize: GrpcMessageFormat.PrefixSize);

    // The first frame that reaches beyond the end is made to end there.
    internal static void RepairLengths(byte[] input, int lengthAt, int headerSize)
    {
        for (var at = 0; at + headerSize < input.Length;)
        {
            var place = input.AsSpan(at + lengthAt, sizeof(uint));
            var length = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(place);
            var left = input.Length - at - headerSize;
            if (length > left)
            {
                System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(place, left);
                return;
            }

            at += headerSize + (int)length;
        }
    }
}
