using System.Buffers;
using System.Buffers.Text;
using Sidecar.Daemon.Inspection.Bodies;

namespace Sidecar.Daemon.FrontEnds.Json;

/// <summary>Reads the bodies of one question: <c>{ "data", "encoding", "size", "truncated", "final", "part", "kept" }</c>.</summary>
/// <param name="text">The question; the bytes of bodies are decoded in it.</param>
/// <param name="follows">In the binary form the body that comes after the text; then <c>data</c> must not stand in it.</param>
internal sealed class BodyReader(Memory<byte> text, ReadOnlyMemory<byte>? follows)
{
    /// <summary>Reads the body that stands here; null for null.</summary>
    public QuestionBody? Read(ref QuestionJson json)
    {
        if (json.IsNull)
        {
            return null;
        }

        (int Start, int Length, bool IsEscaped)? place = null;
        bool? truncated = null;
        var (isBase64, isFinal, isKept, part) = (false, true, false, 0);
        long? total = null;
        json.EnterObject();
        while (json.NextProperty(out var name))
        {
            switch (name)
            {
                case "data":
                    place = json.IsNull ? null : follows is null ? json.TextPlace() : throw json.Wrong("nothing, because the body follows the head,");
                    break;
                case "encoding":
                    isBase64 = json.Text() switch { "base64" => true, "utf8" or null => false, _ => throw json.Wrong("base64 or utf8") };
                    break;
                case "size":
                    total = json.Number(0, long.MaxValue);
                    break;
                case "truncated":
                    truncated = json.Truth();
                    break;
                case "final":
                    isFinal = json.Truth() ?? true;
                    break;
                case "part":
                    part = (int)(json.Number(0, int.MaxValue) ?? 0);
                    break;
                case "kept":
                    isKept = json.Truth() ?? false;
                    break;
                default:
                    json.Skip();
                    break;
            }
        }

        var isCut = truncated ?? throw Malformed("a body without \"truncated\": say true when it goes on beyond what is handed over, else false");
        if (isCut && !isFinal)
        {
            throw Malformed("a body with \"truncated\": true and \"final\": false; say that it is truncated with its last part");
        }

        return new QuestionBody
        {
            Data = follows ?? (place is { } found ? Decode(found.Start, found.Length, found.IsEscaped, isBase64) : default),
            End = isCut ? BodyEnd.Truncated : isFinal ? BodyEnd.Last : BodyEnd.More,
            Total = total,
            Part = part,
            IsKept = isKept,
        };
    }

    /// <summary>A body that follows the text must be announced in it, or nobody would know whether it is whole.</summary>
    /// <param name="told">The body that the question is about.</param>
    public void CheckUsed(QuestionBody? told)
    {
        if (follows is { IsEmpty: false } bytes && told is null)
        {
            throw Malformed($"{bytes.Length} bytes of a body that the head does not announce: say \"body\": {{ \"truncated\": … }} in its request or response");
        }
    }

    private Memory<byte> Decode(int start, int length, bool isEscaped, bool isBase64)
    {
        var data = text.Slice(start, length);
        if (isEscaped)
        {
            data = data[..JsonText.Unescape(data.Span, data.Span)];
        }

        if (!isBase64)
        {
            return data;
        }

        return Base64.DecodeFromUtf8InPlace(data.Span, out var written) == OperationStatus.Done ? data[..written] : throw Malformed("a body whose data is not base64");
    }

    private static QuestionException Malformed(string what) => new(QuestionError.Malformed(what));
}
