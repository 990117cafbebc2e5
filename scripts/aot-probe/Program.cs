// Runs, as native code, those parts of packages that the product uses and whose authors do not promise that they survive trimming.
using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using MessagePack;
using Pipelines.Sockets.Unofficial;

var path = Path.Combine(Path.GetTempPath(), $"aot-probe-{Environment.ProcessId}.sock");
using var listening = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
using var dialled = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
try
{
    listening.Bind(new UnixDomainSocketEndPoint(path));
    listening.Listen();
    await dialled.ConnectAsync(new UnixDomainSocketEndPoint(path));
}
finally
{
    File.Delete(path);
}

var pipes = new PipeOptions(readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.Inline, minimumSegmentSize: 64 * 1024, useSynchronizationContext: false);
const SocketConnectionOptions Inline = SocketConnectionOptions.InlineReads | SocketConnectionOptions.InlineWrites;
using var near = SocketConnection.Create(dialled, pipes, pipes, Inline);
using var far = SocketConnection.Create(await listening.AcceptAsync(), pipes, pipes, Inline | SocketConnectionOptions.ZeroLengthReads);

// A message of each form, over the sockets.
var sent = new ArrayBufferWriter<byte>();
var writer = new MessagePackWriter(sent);
writer.WriteMapHeader(1);
writer.Write("body");
writer.Write(new byte[512 * 1024]);
writer.Flush();
var packed = sent.WrittenCount;
new StringValue { Value = "protobuf" }.WriteTo(sent);

var sending = SendAsync(near.Output, sent.WrittenMemory);
var received = new ArrayBufferWriter<byte>();
while (true)
{
    var result = await far.Input.ReadAsync();
    foreach (var piece in result.Buffer)
    {
        received.Write(piece.Span);
    }

    far.Input.AdvanceTo(result.Buffer.End);
    if (result.IsCompleted)
    {
        break;
    }
}

await sending;
var bytes = new ReadOnlySequence<byte>(received.WrittenMemory);
var (names, name, body) = Unpack(bytes.Slice(0, packed));
var message = StringValue.Parser.ParseFrom(bytes.Slice(packed));
var isWhole = names == 1 && name == "body" && body == 512 * 1024 && message.Value == "protobuf";
Console.WriteLine(isWhole ? $"aot-probe: all {bytes.Length} bytes came through" : "aot-probe: something was lost");
return isWhole ? 0 : 1;

static async Task SendAsync(PipeWriter output, ReadOnlyMemory<byte> bytes)
{
    await output.WriteAsync(bytes);
    await output.CompleteAsync();
}

static (int Names, string? Name, long? Body) Unpack(in ReadOnlySequence<byte> packed)
{
    var reader = new MessagePackReader(packed);
    return (reader.ReadMapHeader(), reader.ReadString(), reader.ReadBytes()?.Length);
}
