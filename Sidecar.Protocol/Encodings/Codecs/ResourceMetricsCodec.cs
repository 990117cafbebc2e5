using Sidecar.Protocol.Encodings.Values;
using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>What an agent uses (spec §6.2).</summary>
internal static class ResourceMetricsCodec
{
    private static readonly MemberTable Members = new(
        7, "cpu_percent", "memory_bytes", "memory_limit", "active_threads", "open_fds", "fd_limit", "connections");

    internal static ResourceMetrics Read<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct
    {
        var resources = new ResourceMetrics();
        var scope = r.BeginStruct();
        while (r.Next(ref scope, Members, out var member))
        {
            resources = member switch
            {
                0 => resources with { CpuPercent = (float)r.ReadDouble() },
                1 => resources with { MemoryBytes = r.ReadUInt64() },
                2 => resources with { MemoryLimit = r.ReadUInt64() },
                3 => resources with { ActiveThreads = r.ReadUInt32() },
                4 => resources with { OpenFds = r.ReadUInt32() },
                5 => resources with { FdLimit = r.ReadUInt32() },
                _ => resources with { Connections = r.ReadUInt32() },
            };
        }

        return resources;
    }

    internal static void Write<TWriter>(ref TWriter w, ResourceMetrics? resources)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        if (resources is null)
        {
            w.Null();
            return;
        }

        w.BeginMap(7);
        w.Member("cpu_percent"u8, resources.CpuPercent);
        w.Member("memory_bytes"u8, resources.MemoryBytes);
        w.Member("memory_limit"u8, resources.MemoryLimit);
        w.Member("active_threads"u8, resources.ActiveThreads);
        w.Member("open_fds"u8, resources.OpenFds);
        w.Member("fd_limit"u8, resources.FdLimit);
        w.Member("connections"u8, resources.Connections);
        w.EndMap();
    }
}
