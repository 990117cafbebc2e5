using System.Runtime.CompilerServices;
using NUnit.Framework;

namespace Sidecar.Tests.Architecture;

/// <summary>The C# files of the projects as they were built, for tests of what a compiler does not see.</summary>
internal static class SourceFiles
{
    private static readonly string[] Projects = ["Sidecar.Protocol", "Sidecar.Daemon", "Sidecar.Tests"];

    /// <summary>The folder of the solution; the calling test is ignored where the sources are not on the machine.</summary>
    public static string Root([CallerFilePath] string here = "")
    {
        if (!File.Exists(here))
        {
            Assert.Ignore("the sources are not on this machine");
        }

        return Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", ".."));
    }

    /// <summary>All that somebody wrote, as full paths.</summary>
    public static IEnumerable<string> All() => Projects
        .SelectMany(static project => Directory.EnumerateFiles(Path.Combine(Root(), project), "*.cs", SearchOption.AllDirectories))
        .Where(static file => !file.Split(Path.DirectorySeparatorChar).Any(static folder => folder is "bin" or "obj"));
}
