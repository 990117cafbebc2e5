// Runs, as native code, those parts of packages that the product uses and whose authors do not promise that they survive trimming.
using System.Buffers;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using MessagePack;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

// A message of each form.
var sent = new ArrayBufferWriter<byte>();
var writer = new MessagePackWriter(sent);
writer.WriteMapHeader(1);
writer.Write("body");
writer.Write(new byte[512 * 1024]);
writer.Flush();
var packed = sent.WrittenCount;
new StringValue { Value = "protobuf" }.WriteTo(sent);

var bytes = new ReadOnlySequence<byte>(sent.WrittenMemory);
var (names, name, body) = Unpack(bytes.Slice(0, packed));
var message = StringValue.Parser.ParseFrom(bytes.Slice(packed));
var isWhole = names == 1 && name == "body" && body == 512 * 1024 && message.Value == "protobuf" && Scalars("a: [b, &x c, *x]\n") == 3;
Console.WriteLine(isWhole ? $"aot-probe: all {bytes.Length} bytes came through" : "aot-probe: something was lost");
return isWhole ? 0 : 1;

static (int Names, string? Name, long? Body) Unpack(in ReadOnlySequence<byte> packed)
{
    var reader = new MessagePackReader(packed);
    return (reader.ReadMapHeader(), reader.ReadString(), reader.ReadBytes()?.Length);
}

static int Scalars(string yaml)
{
    var parser = new Parser(new Scanner(new StringReader(yaml), skipComments: true));
    var found = 0;
    while (parser.MoveNext())
    {
        found += parser.Current is Scalar { Start.Line: 1 } ? 1 : 0;
    }

    return found;
}
