using System.Buffers;
using System.Text;
using System.Text.Json;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.Inspection.Verdicts;

namespace Sidecar.Daemon.FrontEnds.Decide;

/// <summary>
/// Walks through the JSON of a question and says of everything that is not as it should be where it stands and what it is.
/// </summary>
/// <remarks>
/// Values that nobody reads are passed by; of a name that comes twice the last one counts. Errors are <see cref="DecideRequestException"/>.
/// No serializer: those want strings to be UTF-8, and say neither what they saw nor what would have been right.
/// </remarks>
internal ref struct DecideRequestJson
{
    // Deepest nesting. What is unknown in a question may be deeper than the format, which needs as many as are read.
    private const int MaxDepth = 32;
    private const int DeepestRead = 5;

    private readonly (string? Name, int Index)[] _path = new (string?, int)[DeepestRead];
    private Utf8JsonReader _reader;
    private int _depth;

    /// <summary>Begins with the outermost value.</summary>
    public DecideRequestJson(ReadOnlySpan<byte> json)
    {
        _reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MaxDepth });
        Advance();
    }

    /// <summary>Whether the value is null.</summary>
    public readonly bool IsNull => _reader.TokenType == JsonTokenType.Null;

    /// <summary>Goes into the object that stands here.</summary>
    public void EnterObject() => Enter(JsonTokenType.StartObject, "an object");

    /// <summary>Goes into the array that stands here.</summary>
    public void EnterArray() => Enter(JsonTokenType.StartArray, "an array");

    /// <summary>Goes to the value of the object's next property; false, and outside again, after the last.</summary>
    public bool NextProperty(out string name)
    {
        Advance();
        if (_reader.TokenType == JsonTokenType.EndObject)
        {
            (name, _depth) = ("", _depth - 1);
            return false;
        }

        name = Text(_reader.ValueSpan, _reader.ValueIsEscaped);
        _path[_depth - 1] = (name, 0);
        Advance();
        return true;
    }

    /// <summary>Goes to the array's next value; false, and outside again, after the last.</summary>
    public bool NextElement()
    {
        Advance();
        if (_reader.TokenType == JsonTokenType.EndArray)
        {
            _depth--;
            return false;
        }

        _path[_depth - 1].Index++;
        return true;
    }

    /// <summary>The text that stands here; null for null.</summary>
    public readonly string? Text() => IsNull ? null : Text(TextSpan(), _reader.ValueIsEscaped);

    /// <summary>Where the text that stands here begins, how long it is as written, and whether it has escapes.</summary>
    public readonly (int Start, int Length, bool IsEscaped) TextPlace() =>
        ((int)_reader.TokenStartIndex + 1, TextSpan().Length, _reader.ValueIsEscaped);

    /// <summary>The bytes of the text that stands here.</summary>
    /// <param name="target">Takes them; at least as long as the text as written.</param>
    public readonly int CopyText(Span<byte> target) => JsonText.Unescape(TextSpan(), target);

    /// <summary>How long the text that stands here is as written.</summary>
    public readonly int TextLength() => TextSpan().Length;

    /// <summary>The whole number that stands here; null for null.</summary>
    public readonly long? Number(long min, long max) =>
        IsNull ? null
        : _reader.TokenType == JsonTokenType.Number && _reader.TryGetInt64(out var number) && number >= min && number <= max ? number
        : throw Wrong($"a whole number from {min} to {max}");

    /// <summary>The truth value that stands here; null for null.</summary>
    public readonly bool? Truth() => _reader.TokenType switch
    {
        JsonTokenType.Null => null,
        JsonTokenType.True => true,
        JsonTokenType.False => false,
        _ => throw Wrong("true or false"),
    };

    /// <summary>After the outermost value nothing may come.</summary>
    public void Finish() => Advance();

    /// <summary>The error that something else should stand here.</summary>
    public readonly DecideRequestException Wrong(string expected) =>
        DecideRequestException.Malformed($"{Path()} is {Seen()}; {expected} is expected");

    private void Enter(JsonTokenType token, string expected)
    {
        if (_reader.TokenType != token)
        {
            throw Wrong(expected);
        }

        _path[_depth++] = (null, -1);
    }

    // To the next token: behind the value that stands here, unless it has been entered.
    private void Advance()
    {
        try
        {
            if (_reader.CurrentDepth == _depth && _reader.TokenType != JsonTokenType.PropertyName)
            {
                _reader.Skip();
            }

            _reader.Read();
        }
        catch (JsonException e)
        {
            throw DecideRequestException.Malformed($"this is no JSON, or nested deeper than {MaxDepth}: {e.Message}");
        }
    }

    private readonly ReadOnlySpan<byte> TextSpan() =>
        _reader.TokenType == JsonTokenType.String ? _reader.ValueSpan : throw Wrong("a string");

    private static string Text(ReadOnlySpan<byte> raw, bool isEscaped)
    {
        if (!isEscaped)
        {
            return WireText.Of(raw);
        }

        var rented = ArrayPool<byte>.Shared.Rent(raw.Length);
        var text = WireText.Of(rented.AsSpan(0, JsonText.Unescape(raw, rented)));
        ArrayPool<byte>.Shared.Return(rented);
        return text;
    }

    private readonly string Seen() => _reader.TokenType switch
    {
        JsonTokenType.StartObject => "an object",
        JsonTokenType.StartArray => "an array",
        JsonTokenType.String => $"'{HeaderRules.Echo(Text(_reader.ValueSpan, _reader.ValueIsEscaped))}'",
        JsonTokenType.Number => HeaderRules.Echo(Encoding.ASCII.GetString(_reader.ValueSpan)),
        var other => other.ToString().ToLowerInvariant(),
    };

    private readonly string Path() =>
        "$" + string.Concat(
            _path.Take(_depth).Select(static step => step.Name is { } name ? $".{HeaderRules.Echo(name)}" : $"[{step.Index}]"));
}
