using System.Text.Json;
using Sidecar.Protocol.Encodings.Values;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Configuration;

/// <summary>Reads the configuration of an agent.</summary>
internal static class ConfigurationFile
{
    /// <summary>Most bytes of a configuration: 4 MiB, which fits a frame of the agent protocol in either encoding.</summary>
    public const int MaxBytes = 4 * 1024 * 1024;

    /// <summary>Reads a file that holds one JSON value.</summary>
    /// <exception cref="IOException">It cannot be read, is too long or is not JSON; the message says which, and names the file.</exception>
    public static JsonElement Read(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);

            // Not by the length that it states: it may be a pipe, or grow while it is read.
            var text = new byte[MaxBytes + 1];
            var length = file.ReadAtLeast(text, text.Length, throwOnEndOfStream: false);
            return length <= MaxBytes ? Parse(text.AsMemory(0, length)) : throw new IOException($"it has more than {MaxBytes} bytes");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException
            or ArgumentException or NotSupportedException)
        {
            throw new IOException($"config-file {path} cannot be read as JSON: {e.Message}", e);
        }
    }

    /// <summary>Reads one JSON value.</summary>
    /// <exception cref="JsonException">
    /// It is none, or holds a number that agents cannot read: they would accept the configuration and go on without it.
    /// </exception>
    public static JsonElement Parse(ReadOnlyMemory<byte> utf8)
    {
        using var document = JsonDocument.Parse(utf8);
        return NumberOutOfRange(document.RootElement) is { } number
            ? throw new JsonException(
                $"number {PeerText.Quote(number)} is out of range; at most {double.MaxValue:R} either way can be said")
            : FreeJson.Repaired(document.RootElement.Clone());
    }

    private static string? NumberOutOfRange(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Number => double.IsFinite(value.GetDouble()) ? null : value.GetRawText(),
        JsonValueKind.Array => value.EnumerateArray().Select(NumberOutOfRange).FirstOrDefault(static number => number is not null),
        JsonValueKind.Object =>
            value.EnumerateObject().Select(static member => NumberOutOfRange(member.Value))
                .FirstOrDefault(static number => number is not null),
        _ => null,
    };
}
