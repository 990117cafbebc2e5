using System.Runtime.CompilerServices;
using MessagePack;

namespace Sidecar.Protocol.Encodings.Values;

/// <summary>Reads a MessagePack payload (spec §4.2).</summary>
internal ref struct MessagePackValueReader : IValueReader<MessagePackValueReader>
{
    // Every value asks for its kind, some three times: one load instead of the package's own way.
    private static readonly ValueKind[] Kinds = [.. Enumerable.Range(0, 256).Select(static code => KindOf((byte)code))];

    private readonly ReadOnlyMemory<byte> _payload;
    private readonly ReadOnlySpan<byte> _bytes;
    private MessagePackReader _reader;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal MessagePackValueReader(ReadOnlyMemory<byte> payload)
    {
        _payload = payload;
        _bytes = payload.Span;
        _reader = new MessagePackReader(payload);
        Member = "";
    }

    public string Member { get; set; }

    public readonly int Remaining => _bytes.Length - (int)_reader.Consumed;

    public readonly ValueKind Kind => Kinds[Code];

    private readonly byte Code
    {
        get
        {
            var at = (int)_reader.Consumed;
            return (uint)at < (uint)_bytes.Length ? _bytes[at] : throw new EndOfStreamException();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static MessagePackValueReader Create(ReadOnlyMemory<byte> payload) => new(payload);

    public ValueScope BeginMap()
    {
        Expect(ValueKind.Map, "an object");
        return new ValueScope(isMap: true, _reader.EnterMap());
    }

    public bool NextKey(ref ValueScope scope, out ReadOnlySpan<byte> key)
    {
        while (scope.Left > 0)
        {
            scope.Left--;
            scope.Position++;
            if (TryReadText(out key))
            {
                return true;
            }

            // A key that is no text is none we know.
            _reader.SkipValue();
            _reader.SkipValue();
        }

        _reader.Leave();
        key = default;
        return false;
    }

    public ValueScope BeginArray()
    {
        Expect(ValueKind.Array, "a list");
        return new ValueScope(isMap: false, _reader.EnterArray());
    }

    public bool NextItem(ref ValueScope scope)
    {
        if (scope.Left == 0)
        {
            _reader.Leave();
            return false;
        }

        scope.Left--;
        scope.Position++;
        return true;
    }

    public bool ReadBoolean()
    {
        Expect(ValueKind.Boolean, "true or false");
        return _reader.ReadBoolean();
    }

    public ulong ReadUInt64() =>
        IsFloat() ? Numbers.ToUInt64(Member, _reader.ReadDouble()) : _reader.ReadUInt64();

    public long ReadInt64() =>
        IsFloat() ? Numbers.ToInt64(Member, _reader.ReadDouble()) : _reader.ReadInt64();

    public double ReadDouble()
    {
        Expect(ValueKind.Number, "a number");
        return _reader.ReadDouble();
    }

    public ReadOnlySpan<byte> ReadUtf8() =>
        TryReadText(out var utf8) ? utf8 : throw ProtocolErrors.WrongKind(Member, "a string", Kind);

    public ReadOnlyMemory<byte> ReadBytes()
    {
        if (Kind != ValueKind.Binary)
        {
            return Base64Text.Decode(Member, ReadUtf8());
        }

        var length = ReadUtf8().Length;
        return _payload.Slice((int)_reader.Consumed - length, length);
    }

    public JsonElement ReadJson() => MessagePackJson.Read(ref _reader);

    public void Skip() => _reader.SkipValue();

    public readonly void End()
    {
        if (!_reader.End)
        {
            throw new ProtocolException($"{Remaining} bytes follow the message; its payload must hold nothing else");
        }
    }

    private bool TryReadText(out ReadOnlySpan<byte> utf8)
    {
        if (Kind != ValueKind.String)
        {
            return _reader.TryReadText(out utf8);
        }

        var isWhole = _reader.TryReadStringSpan(out var text);
        utf8 = text;
        return isWhole;
    }

    private readonly bool IsFloat()
    {
        Expect(ValueKind.Number, "a number");
        return Code is MessagePackCode.Float32 or MessagePackCode.Float64;
    }

    private readonly void Expect(ValueKind kind, string name)
    {
        if (Kind != kind)
        {
            throw ProtocolErrors.WrongKind(Member, name, Kind);
        }
    }

    private static ValueKind KindOf(byte code) => MessagePackCode.ToMessagePackType(code) switch
    {
        MessagePackType.Nil => ValueKind.Null,
        MessagePackType.Boolean => ValueKind.Boolean,
        MessagePackType.Integer or MessagePackType.Float => ValueKind.Number,
        MessagePackType.String => ValueKind.String,
        MessagePackType.Binary => ValueKind.Binary,
        MessagePackType.Array => ValueKind.Array,
        MessagePackType.Map => ValueKind.Map,
        _ => ValueKind.Other,
    };
}
