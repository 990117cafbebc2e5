using System.Buffers.Binary;
using System.Text.Json;
using NUnit.Framework;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Encodings;

/// <summary>One frame of the reference implementation with what it means (Corpus/agent-protocol).</summary>
internal sealed record GoldenFrame(string Source, string Name, bool IsJson, MessageType Type, byte[] Payload, string? PayloadJson, JsonElement Fields)
{
    private const int HeaderBytes = 5;

    private static readonly Lazy<IReadOnlyList<GoldenFrame>> Frames = new(() => [.. ReadAll()]);

    public static IReadOnlyList<GoldenFrame> All => Frames.Value;

    /// <summary>Registrations share their type bytes with handshakes.</summary>
    public bool IsRegistration => Name.StartsWith("registration_", StringComparison.Ordinal);

    public override string ToString() => $"{Source}/{Name}";

    private static IEnumerable<GoldenFrame> ReadAll()
    {
        var folder = Path.Combine(AppContext.BaseDirectory, "Corpus", "agent-protocol");
        foreach (var file in Directory.GetFiles(folder, "*.jsonl").Order(StringComparer.Ordinal))
        {
            foreach (var line in File.ReadLines(file).Where(line => line.Length > 0))
            {
                yield return Read(Path.GetFileNameWithoutExtension(file), JsonElement.Parse(line));
            }
        }
    }

    private static GoldenFrame Read(string source, JsonElement line)
    {
        var frame = Convert.FromHexString(line.GetProperty("frame_hex").GetString()!);
        var type = (MessageType)line.GetProperty("message_type_code").GetInt32();
        Assert.That(frame[HeaderBytes - 1], Is.EqualTo((byte)type), "type byte");
        Assert.That(BinaryPrimitives.ReadInt32BigEndian(frame), Is.EqualTo(frame.Length - 4), "length");
        return new GoldenFrame(
            source,
            line.GetProperty("name").GetString()!,
            string.Equals(line.GetProperty("payload_encoding").GetString(), "json", StringComparison.Ordinal),
            type,
            frame[HeaderBytes..],
            line.GetProperty("payload_json").GetString(),
            line.GetProperty("fields"));
    }
}
