using System.Text;
using System.Text.Unicode;

namespace Sidecar.Daemon.Configuration.Files;

/// <summary>Makes text of a document's bytes, and refuses what readers of YAML take in more than one way.</summary>
internal static class DocumentText
{
    /// <summary>The text; null, with an error, where it has bytes or characters that may not be there.</summary>
    /// <param name="file">Its name, for messages.</param>
    /// <param name="utf8">Its bytes.</param>
    /// <param name="findings">Is told what is wrong.</param>
    public static string? Of(string file, ReadOnlySpan<byte> utf8, Findings findings)
    {
        if (utf8.StartsWith(Encoding.UTF8.Preamble))
        {
            utf8 = utf8[Encoding.UTF8.Preamble.Length..];
        }

        var text = new char[utf8.Length];
        Utf8.ToUtf16(utf8, text, out var bytes, out var length, replaceInvalidSequences: false);
        var read = text.AsSpan(0, length);
        var odd = IndexOfOdd(read);
        if (odd < 0 && bytes == utf8.Length)
        {
            return new string(read);
        }

        var before = read[..(odd < 0 ? length : odd)];
        SourcePosition at = new(file, before.Count('\n') + 1, before.Length - before.LastIndexOf('\n'));
        findings.Error(at, odd < 0 ? $"the byte 0x{utf8[bytes]:x2} is no UTF-8; save the file as UTF-8"
            : read[odd] == '\t' ? "a tab may not stand at the beginning of a line; indent with spaces"
            : $"the character U+{(int)read[odd]:X4} may not stand in the file itself; write it in double quotes as \\u{(int)read[odd]:x4}");
        return null;
    }

    // A NUL would end the text for the parser; what some readers take for the end of a line would be a comment for others; and how far a
    // tab indents is as each reader likes.
    private static int IndexOfOdd(ReadOnlySpan<char> text)
    {
        var isIndent = true;
        for (var i = 0; i < text.Length; i++)
        {
            isIndent = text[i] == '\n' || (isIndent && text[i] is ' ' or '\t');
            var isFine = text[i] switch
            {
                '\n' => true,
                '\t' => !isIndent,
                '\r' => i + 1 < text.Length && text[i + 1] == '\n',
                '\u2028' or '\u2029' or '\ufeff' => false,
                var other => !char.IsControl(other),
            };
            if (!isFine)
            {
                return i;
            }
        }

        return -1;
    }
}
