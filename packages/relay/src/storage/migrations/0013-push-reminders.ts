/** Who was told that his sign-in ends soon, and notifications with it. */
export const pushReminders = ['ALTER TABLE push_subscriptions ADD COLUMN reminded BIGINT'];
