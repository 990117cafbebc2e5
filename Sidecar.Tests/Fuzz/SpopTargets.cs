using System.Buffers;
using System.Net;
using System.Text;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.FrontEnds.Spop;
using Sidecar.Protocol.Spop;
using Sidecar.Tests.Spop;
using Sidecar.Tests.Support;
using static Sidecar.Tests.Fuzz.FuzzTarget;

namespace Sidecar.Tests.Fuzz;

/// <summary>What HAProxy sends: frames, their fragments, and everything that stands in them.</summary>
internal static class SpopTargets
{
    private const int BufferSize = 16_384;

    private static readonly ByteBudget Memory = new(16 * 1024 * 1024, TimeProvider.System);

    private static readonly NotifyArgumentsReader Facts = new(new SpopListenerOptions { Name = "spop" });

    private static readonly byte[] Block = SpopProxy.HeaderBlock(("host", "shop.example"), ("content-length", "5"), ("x-sidecar-id", "1"),
        ("cookie", "a=1"), ("cookie", "b=2"));

    private static readonly byte[] Request = SpopProxy.Message(
        "sc-req", ("id", "x"), ("src", IPAddress.Loopback), ("src_port", 40_000L), ("method", "POST"), ("path", "/a"), ("query", "b=c"), ("ver", "1.1"), ("headers", Block), ("body", "hello"u8.ToArray()),
        ("body_size", 5L), ("body_len", 5L), ("waited", true), ("risk", 7UL), ("peer", IPAddress.IPv6Loopback), ("none", null));

    private static readonly byte[] Response = SpopProxy.Message("sc-res", ("id", "x"), ("status", 200L),
        ("headers-text", "server: a\r\netag: \"b\"\r\n\r\n"), ("body", new byte[300]));

    public static IEnumerable<FuzzTarget> All =>
    [
        new("spop.conversation", Conversation, [SpopFuzzTests.Conversation,
            [.. SpopProxy.HelloFrame(), .. SpopProxy.Frame(SpopProxy.Notify, SpopProxy.Fin, 1, 1, Request)]])
        {
            Repair = static input => FrameTargets.RepairLengths(input, lengthAt: 0, headerSize: sizeof(uint)),
        },
        new("spop.hello", Hello, [SpopProxy.HelloFrame()[11..], SpopProxy.HelloFrame(16_380, "pipelining,async")[11..]]),
        new("spop.notify", Notify, [Request, Response, [.. Request, .. Response]]),
        new("spop.disconnect", Disconnect, [SpopProxy.DisconnectFrame(2, "a timeout occurred")[11..]]),
        new("spop.header-block", HeaderBlock, [Block]),
        new("spop.header-text", HeaderText, ["host: a\r\nx:\r\n\r\n"u8.ToArray(), "a: b\r\n"u8.ToArray()]),
        new("spop.values", Values,
            [SpopBytes.Items([("a", 1), ("b", -1L), ("c", "text"), ("d", IPAddress.Loopback), ("e", ulong.MaxValue), ("f", true),
            ("g", null), ("h", new byte[3])])]),
    ];

    private static string Conversation(byte[] input)
    {
        var whole = SpopFuzzTests.Run(new ReadOnlySequence<byte>(input));
        foreach (var (name, cut) in Fragmentation.Random(input, input.Length, 1))
        {
            Require(SpopFuzzTests.Run(cut) == whole, $"read otherwise when {name}");
        }

        return whole.Length == 0 ? "refused: less than a frame"
            : (whole.StartsWith("Hello", StringComparison.Ordinal) ? "" : "refused: ") + Refused(whole)[9..];
    }

    private static string Hello(byte[] input) => SpopHello.TryRead(input, out _, out var error) ? "hello" : Refused(error.Message);

    private static string Disconnect(byte[] input) => SpopDisconnect.TryRead(input, out _, out var error) ? "disconnect"
        : Refused(error.Message);

    // From the messages to what is known of a request and its body. What was kept of it is given back.
    private static string Notify(byte[] input)
    {
        if (!SpopNotify.TryRead(input, out var notify, out var error))
        {
            return Refused(error.Message);
        }

        Require(Read.Messages(notify).Count == notify.Count, "other messages are read than were counted");
        var payload = SpopPayload.Of(new ReadOnlySequence<byte>(input));
        using (var turn = NotifyRequest.Read(default, payload, Facts, BufferSize, out _)!)
        {
            turn.Hold(Memory);
            var (told, headers) = (turn.Arguments, turn.Arguments.Headers);
            Require(headers.ByteCount <= 2 * (input.Length + (16 * input.Length)), "the headers are longer than all that came");
            for (var i = 0; i < headers.Count; i++)
            {
                Require(!headers.HasValue(i) || System.Text.Unicode.Utf8.IsValid(headers.Value(i)), "a header's value is no UTF-8");
            }

            var piece = turn.Phase == SpopPhase.Response ? SpopBodies.OfResponse(told, "GET") : SpopBodies.OfRequest(told);
            Require(piece is null || piece.Value.Bytes.Length == told.BodyBytes.Length, "the body has another length than came");
            return $"{turn.Phase} {piece?.End} {told.Misconfigured is null}";
        }
    }

    private static string HeaderBlock(byte[] input)
    {
        if (!SpopHeaderBlock.TryRead(input, out var block, out var error))
        {
            return Refused(error.Message);
        }

        var output = new ArrayBufferWriter<byte>();
        var count = 0;
        foreach (var header in block)
        {
            Require(!header.Name.IsEmpty, "a header without a name");
            count++;
            if (!header.Name.ContainsAny("\r\n\0"u8) && !header.Value.ContainsAny("\r\n\0"u8))
            {
                SpopHeaderLists.WriteField(output, header.Name, header.Value);
            }
        }

        SpopHeaderLists.WriteFieldsEnd(output);
        Require(count == block.Count, "other fields are read than were counted");
        Require(SpopHeaderBlock.TryRead(output.WrittenSpan, out var again, out _) && again.Count <= count,
            "what is written for HAProxy is no header block");
        return count == 0 ? "empty" : "fields";
    }

    private static string HeaderText(byte[] input)
    {
        if (!SpopHeaderText.TryRead(input, out var text, out var error))
        {
            return Refused(error.Message);
        }

        var count = 0;
        foreach (var header in text)
        {
            Require(!header.Name.ContainsAny("\r\n"u8) && !header.Value.ContainsAny("\r\n"u8), "a line break inside a field");
            count++;
        }

        Require(count == text.Count, "other fields are read than were counted");
        return count == 0 ? "empty" : "fields";
    }

    // Names and typed values; integers are also written and read again.
    private static string Values(byte[] input)
    {
        var reader = new SpopReader(input);
        var kinds = new StringBuilder();
        Span<byte> room = stackalloc byte[16];
        while (!reader.End)
        {
            if (!reader.TryReadString(out _) || !reader.TryReadValue(out var value))
            {
                return Refused(reader.Error("a list").Message);
            }

            kinds.Append(value.Type.ToString()[0]);
            if (value.TryGetUInt64(out var number))
            {
                var size = SpopVarint.Write(room, number);
                Require(
                    size == SpopVarint.SizeOf(number) && SpopVarint.TryRead(room[..size], out var again,
                        out var length) == SpopReadResult.Success && again == number && length == size,
                    $"{number} is written as something else");
            }
        }

        return $"values {kinds.ToString(0, Math.Min(2, kinds.Length))}";
    }
}
