using System.Collections.Concurrent;
using NUnit.Framework;

namespace Sidecar.Tests.EndToEnd;

/// <summary>
/// Programs of others that no package of Debian brings: packed in a folder beside the checkout, or named by <c>SIDECAR_TEST_NAME</c>, for example
/// <c>SIDECAR_TEST_ENVOY</c>.
/// </summary>
internal static class SharedPeer
{
    private static readonly string Packed = Path.Combine("shared", "peers", "unpack");
    private static readonly ConcurrentDictionary<string, Lazy<Task<string?>>> Found = new(StringComparer.Ordinal);

    /// <summary>The path of a program; without it the calling test, or its fixture's set-up, is not run.</summary>
    /// <param name="name">As the folder names it, for example <c>envoy</c>. Ask before anything is started.</param>
    public static async Task<string> RequireAsync(string name)
    {
        var path = await Found.GetOrAdd(name, static key => new Lazy<Task<string?>>(() => FindAsync(key))).Value;
        if (path is null)
        {
            Assert.Ignore($"{name} is not here: neither {Variable(name)}=PATH nor {Packed} in a folder above the tests");
        }

        return path!;
    }

    private static string Variable(string name) => $"SIDECAR_TEST_{name.ToUpperInvariant().Replace('-', '_')}";

    private static async Task<string?> FindAsync(string name)
    {
        if (Environment.GetEnvironmentVariable(Variable(name)) is { Length: > 0 } given)
        {
            return File.Exists(given) ? given : throw new FileNotFoundException($"{Variable(name)} names a file that is not there", given);
        }

        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var unpack = Path.Combine(folder.FullName, Packed);
            if (File.Exists(unpack))
            {
                await using var process = ChildProcess.Start(unpack, name);
                return await process.WaitForExitAsync() == 0
                    ? process.Output.Trim()
                    : throw new InvalidOperationException($"{unpack} {name} failed: {process.Output}");
            }
        }

        return null;
    }
}
