using System.Text.Json;
using Sidecar.Protocol.MessagePack;

namespace Sidecar.Protocol.Encodings.Values;

/// <summary>Reads a MessagePack payload (spec §4.2).</summary>
internal ref struct MessagePackValueReader : IValueReader
{
    private readonly ReadOnlyMemory<byte> _payload;
    private MessagePackReader _reader;

    /// <summary>Starts at the beginning of a payload.</summary>
    internal MessagePackValueReader(ReadOnlyMemory<byte> payload)
    {
        _payload = payload;
        _reader = new MessagePackReader(payload.Span);
        Member = "";
    }

    /// <inheritdoc/>
    public string Member { get; set; }

    /// <inheritdoc/>
    public readonly int Remaining => _reader.Remaining;

    /// <inheritdoc/>
    public readonly ValueKind Kind => _reader.NextKind switch
    {
        MessagePackKind.Nil => ValueKind.Null,
        MessagePackKind.Boolean => ValueKind.Boolean,
        MessagePackKind.Integer or MessagePackKind.Float => ValueKind.Number,
        MessagePackKind.String => ValueKind.String,
        MessagePackKind.Binary => ValueKind.Binary,
        MessagePackKind.Array => ValueKind.Array,
        MessagePackKind.Map => ValueKind.Map,
        _ => ValueKind.Other,
    };

    /// <inheritdoc/>
    public ValueScope BeginMap()
    {
        Expect(MessagePackKind.Map, "an object");
        var count = _reader.ReadMapHeader();
        _reader.EnterContainer();
        return new ValueScope(isMap: true, count);
    }

    /// <inheritdoc/>
    public bool NextKey(ref ValueScope scope, out ReadOnlySpan<byte> key)
    {
        while (scope.Left > 0)
        {
            scope.Left--;
            scope.Position++;
            if (_reader.NextKind is MessagePackKind.String or MessagePackKind.Binary)
            {
                key = _reader.ReadStringOrBinarySpan();
                return true;
            }

            // A key that is no text is none we know.
            _reader.Skip();
            _reader.Skip();
        }

        _reader.LeaveContainer();
        key = default;
        return false;
    }

    /// <inheritdoc/>
    public ValueScope BeginArray()
    {
        Expect(MessagePackKind.Array, "a list");
        var count = _reader.ReadArrayHeader();
        _reader.EnterContainer();
        return new ValueScope(isMap: false, count);
    }

    /// <inheritdoc/>
    public bool NextItem(ref ValueScope scope)
    {
        if (scope.Left == 0)
        {
            _reader.LeaveContainer();
            return false;
        }

        scope.Left--;
        scope.Position++;
        return true;
    }

    /// <inheritdoc/>
    public bool ReadBoolean()
    {
        Expect(MessagePackKind.Boolean, "true or false");
        return _reader.ReadBoolean();
    }

    /// <inheritdoc/>
    public ulong ReadUInt64() =>
        NumberKind() == MessagePackKind.Float ? Numbers.ToUInt64(Member, _reader.ReadDouble()) : _reader.ReadUInt64();

    /// <inheritdoc/>
    public long ReadInt64() =>
        NumberKind() == MessagePackKind.Float ? Numbers.ToInt64(Member, _reader.ReadDouble()) : _reader.ReadInt64();

    /// <inheritdoc/>
    public double ReadDouble()
    {
        NumberKind();
        return _reader.ReadDouble();
    }

    /// <inheritdoc/>
    public ReadOnlySpan<byte> ReadUtf8()
    {
        if (_reader.NextKind is not (MessagePackKind.String or MessagePackKind.Binary))
        {
            throw ProtocolErrors.WrongKind(Member, "a string", Kind);
        }

        return _reader.ReadStringOrBinarySpan();
    }

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> ReadBytes()
    {
        if (_reader.NextKind != MessagePackKind.Binary)
        {
            return Base64Text.Decode(Member, ReadUtf8());
        }

        var length = _reader.ReadBinary().Length;
        return _payload.Slice(_reader.Position - length, length);
    }

    /// <inheritdoc/>
    public JsonElement ReadJson() => MessagePackJson.Read(ref _reader);

    /// <inheritdoc/>
    public void Skip() => _reader.Skip();

    /// <inheritdoc/>
    public readonly void End()
    {
        if (!_reader.End)
        {
            throw new ProtocolException($"{_reader.Remaining} bytes follow the message; its payload must hold nothing else");
        }
    }

    private readonly MessagePackKind NumberKind()
    {
        var kind = _reader.NextKind;
        return kind is MessagePackKind.Integer or MessagePackKind.Float ? kind : throw ProtocolErrors.WrongKind(Member, "a number", Kind);
    }

    private readonly void Expect(MessagePackKind kind, string name)
    {
        if (_reader.NextKind != kind)
        {
            throw ProtocolErrors.WrongKind(Member, name, Kind);
        }
    }
}
