using System.Buffers;
using System.IO.Pipelines;
using Google.Protobuf;
using NUnit.Framework;
using Sidecar.Protocol.Envoy;
using Sidecar.Protocol.Grpc;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Grpc;

/// <summary>Messages through a pipe: what the writer writes, the reader reads; what is none is named.</summary>
public sealed class GrpcMessageReaderTests
{
    private const int Limit = 64 * 1024;

    [Test]
    public async Task WrittenMessages_AreReadFromEveryFragmentation()
    {
        HttpBody[] messages = [Body("hello"), new HttpBody(), Body("x", last: true)];
        foreach (var (name, sequence) in Fragmentation.All(Written(messages)))
        {
            var reader = new GrpcMessageReader(PipeReader.Create(sequence), Limit);
            foreach (var message in messages)
            {
                Assert.That(await reader.ReadAsync(HttpBody.Parser, CancellationToken.None), Is.EqualTo(message), name);
            }

            Assert.That(await reader.ReadAsync(HttpBody.Parser, CancellationToken.None), Is.Null, name);
        }
    }

    [Test]
    public async Task MessageThatArrivesByteByByte_IsWaitedFor()
    {
        var pipe = new System.IO.Pipelines.Pipe();
        var reader = new GrpcMessageReader(pipe.Reader, Limit);
        var reading = reader.ReadAsync(HttpBody.Parser, CancellationToken.None);
        foreach (var octet in Written(Body("slow")))
        {
            Assert.That(reading.IsCompleted, Is.False);
            await pipe.Writer.WriteAsync(new[] { octet });
        }

        Assert.That(await reading, Is.EqualTo(Body("slow")));
    }

    /// <summary>Kestrel tells of a reset wherever it is asked next, which may be when what was read is given back.</summary>
    [Test]
    public async Task ResetBehindAPieceOfAMessage_IsAnEndAndNoError([Values(3, 11)] int length)
    {
        var reader = new GrpcMessageReader(new ResetPipe(Written(Body("hello"))[..length]), Limit);

        Assert.That(await reader.TryReadAsync(HttpBody.Parser, CancellationToken.None), Is.EqualTo(new GrpcRead<HttpBody>(null, IsGone: true)));
        Assert.That(async () => await reader.ReadAsync(HttpBody.Parser, CancellationToken.None), Throws.InstanceOf<IOException>());
    }

    [Test]
    public async Task ResetBeforeARead_IsAnEndAndNoError()
    {
        var reader = new GrpcMessageReader(new ResetPipe(null), Limit);

        Assert.That(await reader.TryReadAsync(HttpBody.Parser, CancellationToken.None), Is.EqualTo(new GrpcRead<HttpBody>(null, IsGone: true)));
        Assert.That(async () => await reader.ReadAsync(HttpBody.Parser, CancellationToken.None), Throws.InstanceOf<IOException>());
    }

    [Test]
    public async Task ResetBehindAWholeMessage_LosesNoMessage()
    {
        var reader = new GrpcMessageReader(new ResetPipe(Written(Body("hello"))), Limit);

        Assert.That(await reader.TryReadAsync(HttpBody.Parser, CancellationToken.None), Is.EqualTo(new GrpcRead<HttpBody>(Body("hello"), IsGone: false)));
        Assert.That(await reader.TryReadAsync(HttpBody.Parser, CancellationToken.None), Is.EqualTo(new GrpcRead<HttpBody>(null, IsGone: true)));
    }

    [Test]
    public void EndAtEveryOffsetInsideAMessage_IsNamed()
    {
        var bytes = Written(Body("hello"));
        for (var size = 1; size < bytes.Length; size++)
        {
            var failure = Refusal(bytes[..size]);
            Assert.That(failure.Status.Code, Is.EqualTo(GrpcStatusCode.Internal), $"{size}");
            Assert.That(failure.Message, Does.Contain($"ended inside a message: {size} bytes came"));
        }
    }

    [TestCase("0000010001", null, GrpcStatusCode.ResourceExhausted, "65537 bytes was received; the limit is 65536")]
    [TestCase("0100000000", null, GrpcStatusCode.Internal, "no compression was agreed on")]
    [TestCase("0100000000", "identity", GrpcStatusCode.Internal, "no compression was agreed on")]
    [TestCase("0100000000", "gzip", GrpcStatusCode.Unimplemented, "only 'identity' is understood")]
    [TestCase("474554202F", null, GrpcStatusCode.Internal, "begins with byte 71")]
    [TestCase("0000000001FF", null, GrpcStatusCode.Internal, "that are no HttpBody")]
    public void BadMessage_IsNamedAndEndsTheStream(string hex, string? encoding, GrpcStatusCode code, string text)
    {
        var failure = Refusal([.. Convert.FromHexString(hex), .. Written(Body("later"))], encoding);
        Assert.That(failure.Status.Code, Is.EqualTo(code));
        Assert.That(failure.Message, Does.Contain(text));
    }

    [Test]
    public async Task CancelledWait_LosesNothing()
    {
        var pipe = new System.IO.Pipelines.Pipe();
        var reader = new GrpcMessageReader(pipe.Reader, Limit);
        await pipe.Writer.WriteAsync(Written(Body("a")).AsMemory(..6));
        using (var source = new CancellationTokenSource())
        {
            var reading = reader.ReadAsync(HttpBody.Parser, source.Token);
            await source.CancelAsync();
            Assert.That(async () => await reading, Throws.InstanceOf<OperationCanceledException>());
        }

        await pipe.Writer.WriteAsync(Written(Body("a")).AsMemory(6..));
        Assert.That(await reader.ReadAsync(HttpBody.Parser, CancellationToken.None), Is.EqualTo(Body("a")));
    }

    [Test]
    public void MessageAboveTheLimit_IsNotWritten()
    {
        var output = new ArrayBufferWriter<byte>();
        var body = Body(new string('x', 100));
        Assert.That(
            () => GrpcMessageWriter.Write(output, body, body.CalculateSize() - 1),
            Throws.TypeOf<GrpcException>().With.Message.EqualTo("a HttpBody of 102 bytes cannot be sent; the limit is 101 bytes; send it in smaller pieces"));
        Assert.That(output.WrittenCount, Is.Zero);

        GrpcMessageWriter.Write(output, body, body.CalculateSize());
        Assert.That(output.WrittenCount, Is.EqualTo(102 + GrpcMessageFormat.PrefixSize));
    }

    [FsCheck.NUnit.Property]
    public bool AnyMessages_RoundTrip(byte[][] bodies, bool last)
    {
        var messages = bodies.Select(body => new HttpBody { Body = ByteString.CopyFrom(body), EndOfStream = last }).ToArray();
        var rest = new ReadOnlySequence<byte>(Written(messages));
        foreach (var message in messages)
        {
            if (GrpcMessageScanner.TryRead(ref rest, int.MaxValue, out var bytes, out _) != GrpcScanStatus.Message
                || !HttpBody.Parser.ParseFrom(bytes).Equals(message))
            {
                return false;
            }
        }

        return rest.IsEmpty;
    }

    [FsCheck.NUnit.Property]
    public async Task<bool> AnyBytes_AreReadOrNamed(byte[] bytes)
    {
        try
        {
            var reader = new GrpcMessageReader(PipeReader.Create(new ReadOnlySequence<byte>(bytes)), Limit);
            while (await reader.ReadAsync(ProcessingRequest.Parser, CancellationToken.None) is not null)
            {
            }

            return true;
        }
        catch (GrpcException)
        {
            return true;
        }
    }

    private static GrpcException Refusal(byte[] bytes, string? encoding = null)
    {
        var reader = new GrpcMessageReader(PipeReader.Create(new ReadOnlySequence<byte>(bytes)), Limit, encoding);
        var first = Assert.ThrowsAsync<GrpcException>(async () => await reader.ReadAsync(HttpBody.Parser, CancellationToken.None));
        var second = Assert.ThrowsAsync<GrpcException>(async () => await reader.ReadAsync(HttpBody.Parser, CancellationToken.None));
        Assert.That(second.Status, Is.EqualTo(first.Status), "a later read fails likewise");
        return first;
    }

    private static byte[] Written(params HttpBody[] messages)
    {
        var output = new ArrayBufferWriter<byte>();
        foreach (var message in messages)
        {
            GrpcMessageWriter.Write(output, message, int.MaxValue);
        }

        return output.WrittenSpan.ToArray();
    }

    private static HttpBody Body(string text, bool last = false) => new() { Body = ByteString.CopyFromUtf8(text), EndOfStream = last };

    private sealed class ResetPipe(byte[]? bytes) : PipeReader
    {
        public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) => bytes is null
            ? throw new IOException("The client reset the request stream.")
            : new(new ReadResult(new ReadOnlySequence<byte>(bytes), isCanceled: false, isCompleted: false));

        public override bool TryRead(out ReadResult result) => throw new NotSupportedException();

        public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) => throw new IOException("The client reset the request stream.");

        public override void CancelPendingRead() => throw new NotSupportedException();

        public override void Complete(Exception? exception = null)
        {
        }
    }
}
