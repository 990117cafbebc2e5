using System.Globalization;
using System.Text;

namespace Sidecar.Protocol.Grpc;

/// <summary>A status as header fields: the code in decimal, the message percent-encoded.</summary>
/// <remarks>Pure: no state, any thread.</remarks>
public static class GrpcStatusText
{
    /// <summary>
    /// Most characters of a message that are sent; what follows is cut. It travels in a header, and peers limit these to some KiB.
    /// </summary>
    public const int MaxMessageLength = 1024;

    /// <summary>The code as it travels.</summary>
    public static string Format(GrpcStatusCode code) => ((int)code).ToString(CultureInfo.InvariantCulture);

    /// <summary>Reads a code. A number that gRPC does not know, and text that is none, are <see cref="GrpcStatusCode.Unknown"/>.</summary>
    public static GrpcStatusCode Parse(string? text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var code) && Enum.IsDefined((GrpcStatusCode)code)
            ? (GrpcStatusCode)code
            : GrpcStatusCode.Unknown;

    /// <summary>Percent-encodes a message: of its UTF-8 bytes, printable ASCII but % stays as it is.</summary>
    public static string Encode(string message)
    {
        ArgumentNullException.ThrowIfNull(message);
        var text = message.Length > MaxMessageLength ? message[..MaxMessageLength] : message;
        if (text.All(static c => IsPlain(c)))
        {
            return text;
        }

        var encoded = new StringBuilder(text.Length + 16);
        foreach (var octet in Encoding.UTF8.GetBytes(text))
        {
            _ = IsPlain((char)octet) ? encoded.Append((char)octet) : encoded.Append(CultureInfo.InvariantCulture, $"%{octet:X2}");
        }

        return encoded.ToString();
    }

    /// <summary>
    /// Reads a percent-encoded message. What is no valid escape stays as it is, as gRPC asks for; bytes that are no UTF-8 become U+FFFD.
    /// </summary>
    public static string Decode(string encoded)
    {
        ArgumentNullException.ThrowIfNull(encoded);
        if (!encoded.Contains('%', StringComparison.Ordinal))
        {
            return encoded;
        }

        var octets = new List<byte>(encoded.Length);
        for (var at = 0; at < encoded.Length; at++)
        {
            if (encoded[at] == '%' && at + 2 < encoded.Length && char.IsAsciiHexDigit(encoded[at + 1])
                && char.IsAsciiHexDigit(encoded[at + 2]))
            {
                octets.Add(Convert.FromHexString(encoded.AsSpan(at + 1, 2))[0]);
                at += 2;
            }
            else
            {
                octets.AddRange(Encoding.UTF8.GetBytes(encoded, at, 1));
            }
        }

        return Encoding.UTF8.GetString([.. octets]);
    }

    private static bool IsPlain(char c) => c is >= ' ' and <= '~' and not '%';
}
