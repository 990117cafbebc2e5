using System.Runtime.CompilerServices;
using System.Text;

namespace Sidecar.Protocol.Encodings.Values;

/// <summary>Writes one value.</summary>
internal delegate void WriteValue<TWriter, in T>(ref TWriter writer, T value)
    where TWriter : struct, IValueWriter<TWriter>, allows ref struct;

/// <summary>The members and values that many messages share: names with their values, and null where there is none.</summary>
internal static class ValueWriting
{
    extension<TWriter>(ref TWriter w)
        where TWriter : struct, IValueWriter<TWriter>, allows ref struct
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal void Member(scoped ReadOnlySpan<byte> name, string? value)
        {
            w.Key(name);
            w.String(value);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal void Member(scoped ReadOnlySpan<byte> name, CorrelationId value)
        {
            w.Key(name);
            w.Id(value);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal void Member(scoped ReadOnlySpan<byte> name, bool value)
        {
            w.Key(name);
            w.Boolean(value);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal void Member(scoped ReadOnlySpan<byte> name, ulong value)
        {
            w.Key(name);
            w.UInt64(value);
        }

        internal void Member(scoped ReadOnlySpan<byte> name, ulong? value)
        {
            w.Key(name);
            w.UInt64OrNull(value);
        }

        internal void Member(scoped ReadOnlySpan<byte> name, IReadOnlyList<string> values)
        {
            w.Key(name);
            w.Strings(values);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal void UInt64OrNull(ulong? value)
        {
            if (value is { } number)
            {
                w.UInt64(number);
            }
            else
            {
                w.Null();
            }
        }

        internal void SingleOrNull(float? value)
        {
            if (value is { } number)
            {
                w.Single(number);
            }
            else
            {
                w.Null();
            }
        }

        internal void JsonOrNull(JsonElement? value)
        {
            if (value is { ValueKind: not JsonValueKind.Undefined } json)
            {
                w.Json(json);
            }
            else
            {
                w.Null();
            }
        }

        internal void Id(CorrelationId id)
        {
            const int OnStack = 256;
            var length = id.MaxUtf8Length;
            var buffer = length <= OnStack ? stackalloc byte[OnStack] : new byte[length];
            w.Text(buffer[..id.WriteUtf8(buffer)]);
        }

        internal void IdOrNull(CorrelationId id)
        {
            if (id.IsEmpty)
            {
                w.Null();
            }
            else
            {
                w.Id(id);
            }
        }

        internal void Strings(IReadOnlyList<string> values)
        {
            w.BeginArray(values.Count);
            for (var i = 0; i < values.Count; i++)
            {
                w.String(values[i]);
            }

            w.EndArray();
        }

        internal void List<T>(IReadOnlyList<T> values, WriteValue<TWriter, T> write)
        {
            w.BeginArray(values.Count);
            for (var i = 0; i < values.Count; i++)
            {
                write(ref w, values[i]);
            }

            w.EndArray();
        }

        internal void TextMap(IReadOnlyDictionary<string, string>? values)
        {
            if (values is null)
            {
                w.Null();
                return;
            }

            w.BeginMap(values.Count);
            if (values.Count > 0)
            {
                foreach (var (key, value) in values)
                {
                    w.Name(key);
                    w.String(value);
                }
            }

            w.EndMap();
        }

        /// <summary>Writes a key that is not one of the protocol's names.</summary>
        internal void Name(string name)
        {
            const int OnStack = 256;
            var length = Encoding.UTF8.GetMaxByteCount(name.Length);
            var buffer = length <= OnStack ? stackalloc byte[OnStack] : new byte[length];
            w.Name(buffer[..Encoding.UTF8.GetBytes(name, buffer)]);
        }

        /// <summary>Writes headers as names with lists of values, duplicates under the first of their name (spec §4.3).</summary>
        internal void Headers(HeaderBlock headers)
        {
            w.BeginMap(headers.NameCount);
            for (var i = 0; i < headers.Count; i++)
            {
                if (!headers.IsFirstOfName(i))
                {
                    continue;
                }

                w.Name(headers.Name(i));
                WriteValues(ref w, headers, i);
            }

            w.EndMap();
        }
    }

    private static void WriteValues<TWriter>(ref TWriter w, HeaderBlock headers, int first)
        where TWriter : struct, IValueWriter<TWriter>, allows ref struct
    {
        var count = 0;
        for (var i = first; i >= 0; i = headers.NextOfName(i))
        {
            count += headers.HasValue(i) ? 1 : 0;
        }

        w.BeginArray(count);
        for (var i = first; i >= 0; i = headers.NextOfName(i))
        {
            if (headers.HasValue(i))
            {
                w.Text(headers.Value(i));
            }
        }

        w.EndArray();
    }
}
