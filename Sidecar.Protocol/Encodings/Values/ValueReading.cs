using System.Text;

namespace Sidecar.Protocol.Encodings.Values;

/// <summary>Reads one value.</summary>
internal delegate T ReadValue<TReader, out T>(ref TReader reader)
    where TReader : struct, IValueReader<TReader>, allows ref struct;

/// <summary>The conversions that many members share.</summary>
internal static class ValueReading
{
    /// <summary>Far more than any proxy passes on; it bounds the work of grouping fields by name, which grows with the square.</summary>
    internal const int MostHeaderFields = 4096;

    extension<TReader>(ref TReader r)
        where TReader : struct, IValueReader<TReader>, allows ref struct
    {
        internal string ReadString() => KnownStrings.Get(r.ReadUtf8());

        internal CorrelationId ReadCorrelationId() => CorrelationId.Parse(r.ReadUtf8());

        internal IReadOnlyList<string> ReadStrings() => r.ReadList(static (ref item) => item.ReadString());

        internal IReadOnlyList<T> ReadList<T>(ReadValue<TReader, T> read)
        {
            List<T>? items = null;
            for (var scope = r.BeginArray(); r.NextItem(ref scope);)
            {
                (items ??= []).Add(read(ref r));
            }

            return items is null ? Array.Empty<T>() : items;
        }

        internal ushort ReadUInt16() => (ushort)r.ReadUpTo(ushort.MaxValue);

        internal uint ReadUInt32() => (uint)r.ReadUpTo(uint.MaxValue);

        internal int ReadInt32()
        {
            var value = r.ReadInt64();
            return value is >= int.MinValue and <= int.MaxValue
                ? (int)value
                : throw new ProtocolException($"{r.Member} is {value}; it must fit a signed integer of 32 bits");
        }

        private ulong ReadUpTo(ulong most)
        {
            var value = r.ReadUInt64();
            return value <= most ? value : throw ProtocolErrors.OutOfRange(r.Member, value, 0, most);
        }

        /// <summary>Reads a number that should be an HTTP status, 100 to 599; 0 for one that is none.</summary>
        internal ushort ReadHttpStatus() =>
            r.ReadJson().TryGetDouble(out var value) && value is >= 100 and <= 599 && value == Math.Truncate(value)
                ? (ushort)value
                : (ushort)0;

        /// <summary>Reads text; any other value becomes its JSON text (spec §4.12, challenge parameters).</summary>
        internal string ReadText() =>
            r.Kind is ValueKind.String or ValueKind.Binary ? r.ReadString() : r.ReadJson().GetRawText();

        /// <summary>Reads a map of texts; values of other kinds become their JSON text.</summary>
        /// <param name="keepNulls">Whether null is a value like any other; otherwise it stands for a key that is absent.</param>
        internal IReadOnlyDictionary<string, string> ReadTextMap(bool keepNulls = false)
        {
            var scope = r.BeginMap();
            Dictionary<string, string>? items = null;
            while (r.NextKey(ref scope, out var key))
            {
                if (!keepNulls && r.Kind == ValueKind.Null)
                {
                    r.Skip();
                    continue;
                }

                var name = Encoding.UTF8.GetString(key);
                (items ??= new Dictionary<string, string>(StringComparer.Ordinal))[name] = r.ReadText();
            }

            return items ?? EmptyMap.OfStrings;
        }

        /// <summary>Reads a map of names to lists of values; one value may stand without its list.</summary>
        internal HeaderBlock ReadHeaders()
        {
            var scope = r.BeginMap();
            var fields = scope.Count < 0 ? 16 : Math.Min(scope.Count + 2, MostHeaderFields);
            var block = new HeaderBlock(fields, r.Remaining);
            while (r.NextKey(ref scope, out var name))
            {
                CheckHeaderCount(block);
                switch (r.Kind)
                {
                    case ValueKind.Null:
                        r.Skip();
                        block.AddNameOnly(name);
                        break;
                    case ValueKind.String or ValueKind.Binary:
                        block.Add(name, r.ReadUtf8());
                        break;
                    default:
                        var values = r.BeginArray();
                        var none = true;
                        while (r.NextItem(ref values))
                        {
                            CheckHeaderCount(block);
                            block.Add(name, r.ReadUtf8());
                            none = false;
                        }

                        if (none)
                        {
                            block.AddNameOnly(name);
                        }

                        break;
                }
            }

            return block;
        }
    }

    private static void CheckHeaderCount(HeaderBlock block)
    {
        if (block.Count >= MostHeaderFields)
        {
            throw new ProtocolException($"the message has more than {MostHeaderFields} header fields; that is the limit");
        }
    }
}
