namespace Konstruct.AppHost.Commands;

/// <summary>Ids that the schema step seeds in Development.</summary>
internal static class DevelopmentIds
{
    public const string Tenant = "10000000-0000-4000-8000-000000000001";
    public const string User = "20000000-0000-4000-8000-000000000001";
    public const string Agent = "30000000-0000-4000-8000-000000000001";
    public const string Conversation = "40000000-0000-4000-8000-000000000001";
}
