using System.Buffers;
using System.Text;
using System.Text.Unicode;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.FrontEnds.Http;

/// <summary>Header values between the server, where a char is a byte, and the agents, who get and send UTF-8 (rule 9).</summary>
internal static class HeaderText
{
    private const int StackLimit = 512;

    // What the server would not write into a header line: control characters except the tab.
    private static readonly SearchValues<char> Unwritable =
        SearchValues.Create([.. Enumerable.Range(0, 32).Where(static code => code != '\t').Select(static code => (char)code), '\u007f']);

    /// <summary>Whether a value can stand on a header line that we write.</summary>
    public static bool IsWritable(ReadOnlySpan<char> value) => !value.ContainsAny(Unwritable);

    /// <summary>Adds a field whose chars are bytes: UTF-8 where they are valid UTF-8, else Latin-1, so that all 256 bytes come through.</summary>
    public static void Add(HeaderBlock headers, string name, string value)
    {
        var longest = name.Length + (value.Length * 2);
        byte[]? rented = null;
        var buffer = longest <= StackLimit ? stackalloc byte[StackLimit] : rented = ArrayPool<byte>.Shared.Rent(longest);
        var nameLength = Encoding.Latin1.GetBytes(name, buffer);
        var rest = buffer[nameLength..];
        var length = Encoding.Latin1.GetBytes(value, rest);
        if (!Ascii.IsValid(rest[..length]) && !Utf8.IsValid(rest[..length]))
        {
            length = Encoding.UTF8.GetBytes(value, rest);
        }

        headers.Add(buffer[..nameLength], rest[..length]);
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <summary>Text from a string whose chars are bytes.</summary>
    public static string FromWire(string bytes)
    {
        if (Ascii.IsValid(bytes))
        {
            return bytes;
        }

        var raw = Encoding.Latin1.GetBytes(bytes);
        return Utf8.IsValid(raw) ? Encoding.UTF8.GetString(raw) : bytes;
    }

    /// <summary>A string whose chars are the UTF-8 bytes of a text.</summary>
    public static string ToWire(string text) => Ascii.IsValid(text) ? text : Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(text));
}
